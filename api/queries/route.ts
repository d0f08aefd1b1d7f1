import type { z } from 'zod'
import { ACCESS } from '#lib/access/policy.ts'
import { QUERIES, type QueryName } from '#lib/queries/catalogue.ts'
import { callerTagOf } from '#lib/telemetry/caller-tag.ts'
import { isTooMany, type TooMany } from '#lib/telemetry/too-many.ts'
import {
  isRefused,
  type AnyQuery,
  type QueryResult,
  type RefusedParameter,
  type Request,
  type ScopedQuery,
  type Viewer,
} from '#lib/queries/query.ts'
import type { GivenTime } from '#lib/queries/given-time.ts'
import type { EveryParameter } from '#lib/queries/parameters.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Api } from '../api.ts'
import {
  deviceScope,
  figureScope,
  readingScope,
  requireInScope,
  requireTenantInScope,
} from '../auth/scope.ts'
import type { Add, Call } from '../endpoint.ts'
import { list, ok, type ApiResponse } from '../replies/response.ts'
import { noParquet } from '../replies/negotiate.ts'
import { Problem, notFound, unusable } from '../replies/problem.ts'
import { idSchema, listSchema, seriesSchema } from '../replies/schemas.ts'
import { csvColumnsOf } from './csv-columns.ts'
import { seriesMetaOf } from './meta.ts'
import { pageOf } from './paging.ts'
import { parquetResponse } from './parquet.ts'
import { jsonOf, jsonSchemaOf, namesOf, type NameView } from './present.ts'
import { NO_SPAN, afterOf, pageSpanOf, type PageSpan } from './span.ts'

/** Parameters that several queries share; each route checks those it has. */
interface Given extends Readonly<Record<string, unknown>> {
  readonly from?: GivenTime | undefined
  readonly to?: GivenTime | undefined
  readonly every?: EveryParameter | undefined
  readonly cursor?: string | undefined
  readonly limit?: number | undefined
  readonly device?: readonly string[] | undefined
  readonly tenant?: readonly string[] | undefined
}

type QueryCall = Call<Given, { readonly id?: string }, undefined>

/** A query with what its route derives from it, once. */
interface Prepared {
  readonly name: QueryName
  readonly query: AnyQuery
  readonly names: ReturnType<typeof namesOf<unknown>>
  readonly json: (value: unknown) => unknown
  readonly extraNames: ReturnType<typeof namesOf<unknown>> | null
  readonly extraJson: ((value: unknown) => unknown) | null
}

/** The route of a query: parameters -> scope and span -> result -> rows as the caller sees them. */
export function addQuery(add: Add, api: Api, name: QueryName): void {
  const query: AnyQuery = QUERIES[name]
  const prepared = prepare(name, query)
  add({
    method: 'GET',
    url: query.path,
    permission: query.permission,
    tag: query.tag,
    summary: query.summary,
    query: query.parameters,
    ...(query.path.includes(':id') ? { params: { id: idSchema } } : {}),
    response: responseSchema(query),
    isList: query.shape !== 'object',
    hasParquet: query.file !== undefined,
    isQuery: true,
    handle: (call) => handle(api, prepared, call as QueryCall),
  })
}

function prepare(name: QueryName, query: AnyQuery): Prepared {
  const extra = query.extra?.schema
  return {
    name,
    query,
    names: namesOf(query.row),
    json: jsonOf(query.row),
    extraNames: extra ? namesOf<unknown>(extra) : null,
    extraJson: extra ? jsonOf(extra) : null,
  }
}

function responseSchema({ row, shape, extra }: AnyQuery): z.ZodType {
  const shown = jsonSchemaOf(row)
  if (shape === 'object') return shown
  if (shape === 'list') return listSchema(shown)
  const series = seriesSchema(shown)
  if (!extra) return series
  const own = jsonSchemaOf(extra.schema) as z.ZodObject
  return series.extend({ meta: series.shape.meta.extend(own.shape) })
}

async function handle(
  api: Api,
  prepared: Prepared,
  call: QueryCall,
): Promise<ApiResponse | Problem> {
  const { query } = prepared
  const viewer = viewerOf(call)
  const target = targetOf(api, query, call, viewer)
  if (target instanceof Problem) return target
  const wanted = query.toQuery(call.query, target.request, viewer)
  if (isRefused(wanted)) return problemOf(wanted)
  const scoped = { ...wanted, caller: callerTagOf(call.caller.key) }
  if (call.format === 'parquet') {
    const file = query.file?.(scoped) ?? null
    return file ? await parquetResponse(api, call, file) : noParquet()
  }
  const result = await resultOf(api, prepared, scoped, call)
  if (isTooMany(result)) {
    const expected = `expected at most ${result.limit} ${query.limitedBy} behind one result`
    return unusable('from', `${expected}, got more; choose a shorter span or fewer devices`)
  }
  return responseOf(api, prepared, { call, scoped, result, target })
}

interface Target {
  readonly request: Request
  readonly span: PageSpan
  /** What a cursor must be of. */
  readonly identity: string
}

/** Scope and span of a request; of a query about one device that device alone. */
function targetOf(api: Api, query: AnyQuery, call: QueryCall, viewer: Viewer): Target | Problem {
  const identity = [call.route, ...(query.identity?.(call.query, viewer) ?? [])].join(' ')
  const subject = subjectOf(call)
  if (subject instanceof Problem) return subject
  const scope = subject ? oneDevice(subject) : scopeOf(query, call, viewer)
  if (scope instanceof Problem) return scope
  const span = spanOf(api, query, call, identity)
  if (span instanceof Problem) return span
  const { fromNs, toNs, everyNs, buckets, after } = span
  const request = { scope, device: subject ?? '', fromNs, toNs, everyNs, buckets, cursor: after }
  return { request, span, identity }
}

/** A query without a time is about now: its pages only follow each other. */
function spanOf(
  api: Api,
  query: AnyQuery,
  { query: given }: QueryCall,
  identity: string,
): PageSpan | Problem {
  const { from, to, cursor } = given
  if (!('from' in query.parameters)) {
    const page = afterOf({ cursor }, { ...api, query: identity })
    return page instanceof Problem ? page : { ...NO_SPAN, ...page }
  }
  const every = given.every?.every ?? null
  const { timezone } = api.options
  return pageSpanOf({ from, to, every, cursor }, { ...api, timezone, query: identity })
}

function subjectOf({ params, names }: QueryCall): string | null | Problem {
  const { id } = params
  if (id === undefined) return null
  return names.findDevice(id)?.id ?? notFound('device', id)
}

function oneDevice(device: string): Scope {
  return { tenants: null, devices: [device], kinds: null }
}

const SCOPES = { readings: readingScope, figures: figureScope, devices: deviceScope } as const

function scopeOf(query: AnyQuery, call: QueryCall, viewer: Viewer): Scope | Problem {
  const filter = query.filter ? query.filter(call.query, viewer) : call.query
  return isRefused(filter) ? problemOf(filter) : SCOPES[query.scope](call, filter)
}

function viewerOf({ caller, names }: QueryCall): Viewer {
  const { role } = caller.key
  return {
    role,
    seesPositions: !ACCESS[role].pseudonymised,
    kindOf: (device) => names.findDevice(device)?.kind ?? null,
  }
}

function problemOf({ refused, path, detail }: RefusedParameter): Problem {
  if (refused === 'unknown_device') return notFound('device', detail)
  return refused === 'forbidden' ? new Problem(403, detail, { path }) : unusable(path, detail)
}

/** Pages that are made in the source end with their rows or with their bytes. */
async function resultOf(
  api: Api,
  { name, query }: Prepared,
  scoped: ScopedQuery,
  { query: given, signal }: QueryCall,
): Promise<QueryResult<unknown> | TooMany> {
  // `toQuery` of this very query made it.
  const run = async (one: ScopedQuery): Promise<QueryResult<unknown> | TooMany> =>
    await api.port.query(name, one, signal)
  const { steps } = query
  const { limit } = given
  if (!steps || limit === undefined) return await run(scoped)
  const rows: unknown[] = []
  let next: string | null | undefined
  let bytes = 0
  do {
    const step = { limit: Math.min(steps.rows, limit - rows.length), ...(next && { cursor: next }) }
    const page = await run({ ...scoped, ...step })
    if (isTooMany(page)) return page
    rows.push(...page.rows)
    bytes += page.rows.reduce((sum: number, row) => sum + steps.bytesOf(row), 0)
    next = page.next ?? null
  } while (next !== null && rows.length < limit && bytes < steps.maxBytes)
  return { rows, next }
}

interface Found {
  readonly call: QueryCall
  readonly scoped: ScopedQuery
  readonly result: QueryResult<unknown>
  readonly target: Target
}

function responseOf(api: Api, prepared: Prepared, found: Found): ApiResponse {
  const { query, json } = prepared
  const { call, scoped, result, target } = found
  const view = nameViewOf(call, scoped.scope)
  const named = result.rows.map((row) => prepared.names(row, view))
  if (query.shape === 'object') return ok(json(named[0]) as object)
  const { rows, after } = pageRows(query, named, call, target, result.next ?? null)
  const { fromNs, toNs } = target.span
  const next =
    after === null ? null : api.cursors.seal({ query: target.identity, fromNs, toNs, after })
  // Rows are objects of their columns.
  const data = rows.map(json) as Readonly<Record<string, unknown>>[]
  const columns =
    query.csvColumns?.(scoped, rows) ??
    csvColumnsOf(query.row, scoped, { shape: query.shape, first: data[0] })
  const meta = query.series && { meta: metaOf(prepared, found, view, api.options.timezone) }
  return list({ data, next, ...meta }, columns)
}

/** Rows of a query without a key are paged by their source. */
function pageRows(
  query: AnyQuery,
  named: readonly unknown[],
  { query: { limit } }: QueryCall,
  { span }: Target,
  next: string | null,
): { readonly rows: readonly unknown[]; readonly after: string | null } {
  if (!query.key || limit === undefined) return { rows: named, after: next }
  const { data, after } = pageOf(named, (row) => query.key?.(row) ?? '', {
    after: span.after,
    limit,
  })
  return { rows: data, after }
}

function metaOf(
  prepared: Prepared,
  { scoped, result, target }: Found,
  view: NameView,
  timezone: string,
): object {
  const { query, extraNames, extraJson } = prepared
  const meta = seriesMetaOf(query, { scoped, result, span: target.span, timezone })
  if (!query.extra || !extraNames || !extraJson) return meta
  const extra = extraJson(extraNames(query.extra.of(result, scoped), view))
  return { ...meta, ...(extra as object) }
}

/** A row outside the scope belongs to another tenant: an error is better than that row. */
function nameViewOf({ caller, names }: QueryCall, scope: Scope): NameView {
  return {
    seesPositions: !ACCESS[caller.key.role].pseudonymised,
    device(id) {
      requireInScope(scope, id)
      return names.device(id)
    },
    tenant(id) {
      requireTenantInScope(scope, id)
      return names.tenant(id)
    },
    channel: (name) => names.channel(name),
  }
}
