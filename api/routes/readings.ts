import { z } from 'zod'
import { KIND_NAMES, isKind, type Kind } from '#lib/telemetry/catalogue.ts'
import type { Scope } from '#lib/telemetry/questions.ts'
import { list, type Answer } from '../replies/answer.ts'
import type { Api } from '../api.ts'
import { noParquet } from '../replies/negotiate.ts'
import { parquetAnswer } from '../replies/readings-file.ts'
import type { Add, Ask } from '../endpoint.ts'
import { coverageOf, metaOf } from '../replies/meta.ts'
import {
  deviceParameters,
  everyParameter,
  fieldsParameter,
  orderParameter,
  pageParameters,
  spanParameters,
} from '../parameters/parameters.ts'
import { Problem, notFound, unusable } from '../replies/problem.ts'
import {
  aggregateColumns,
  readingColumns,
  shownAggregate,
  shownReading,
  unitsOf,
  visibleFields,
} from '../replies/reading-rows.ts'
import { idSchema, seriesSchema, timeSchema } from '../replies/schemas.ts'
import { readingScope, requireInScope } from '../auth/scope.ts'
import { stretchOf, type Stretch } from '../parameters/span.ts'

const valueSchema = z.union([z.number(), z.string(), z.boolean()])

const head = {
  time: timeSchema,
  device: idSchema,
  tenant: z.string(),
  kind: z.enum(KIND_NAMES),
}

export const readingSchema = z.object({
  ...head,
  channel: z.string(),
  seq: z.number().nullable(),
  receivedAt: timeSchema,
  flags: z.array(z.string()),
  fields: z.record(z.string(), valueSchema),
  radio: z.record(z.string(), valueSchema).nullable(),
})

const aggregateSchema = z.object({
  ...head,
  count: z.number().describe('Readings in the interval.'),
  fields: z.record(
    z.string(),
    z.union([
      z.object({ min: z.number(), mean: z.number(), max: z.number() }),
      z.object({ first: z.number(), last: z.number(), delta: z.number() }),
      z.object({ last: valueSchema }),
    ]),
  ),
})

const query = {
  kind: z
    .enum(KIND_NAMES)
    .optional()
    .describe('May be left out when the devices given are all of one kind.'),
  ...deviceParameters,
  ...spanParameters,
  ...everyParameter,
  ...fieldsParameter,
  ...orderParameter,
  ...pageParameters,
}

type Query = z.output<z.ZodObject<typeof query>>

/** What both sorts of answer start from. */
interface Question {
  /** What a cursor must be of. */
  readonly name: string
  readonly kind: Kind
  readonly scope: Scope
  readonly fields: readonly string[]
  readonly stretch: Stretch
}

type ReadingAsk = Pick<
  Ask<Query, unknown, unknown>,
  'query' | 'caller' | 'names' | 'route' | 'signal'
>

export function addReadings(add: Add, api: Api): void {
  add({
    method: 'GET',
    url: '/readings',
    permission: 'readings:read',
    tag: 'readings',
    summary: 'Readings of one kind, raw or per device and interval',
    query,
    answer: seriesSchema(z.union([readingSchema, aggregateSchema])),
    isList: true,
    hasParquet: true,
    async handle(ask) {
      const question = questionOf(api, ask)
      if (question instanceof Problem) return question
      if (ask.format === 'parquet') {
        return question.stretch.everyNs === null
          ? await parquetAnswer(api, ask, question)
          : noParquet()
      }
      return question.stretch.everyNs === null
        ? await raw(api, ask, question)
        : await aggregated(api, ask, { ...question, everyNs: question.stretch.everyNs })
    },
  })
}

function questionOf(api: Api, ask: ReadingAsk): Question | Problem {
  const { query, caller } = ask
  const kind = kindOf(ask)
  if (kind instanceof Problem) return kind
  const { device, tenant } = query
  const scope = readingScope(ask, { device, tenant, kind: [kind] })
  if (scope instanceof Problem) return scope
  const fields = visibleFields(kind, query.fields, caller)
  if (fields instanceof Problem) return fields
  const name = nameOf(ask, kind)
  const stretch = stretchOf(query, { ...api, question: name })
  if (stretch instanceof Problem) return stretch
  if (stretch.everyNs !== null && query.order === 'desc') {
    return unusable('order', 'expected asc together with every, got desc; leave one of them out')
  }
  return { name, kind, scope, fields, stretch }
}

/** One kind per question: given, or the one that all devices given have. */
function kindOf({ query, names }: ReadingAsk): Kind | Problem {
  if (query.kind) return query.kind
  const known = KIND_NAMES.join(', ')
  if (!query.device) {
    return unusable('kind', `expected one of ${known}, or a device, got neither; give one`)
  }
  const kinds = new Set<string>()
  for (const name of query.device) {
    const device = names.findDevice(name)
    if (!device) return notFound('device', name)
    kinds.add(device.kind)
  }
  const [kind = ''] = kinds
  if (kinds.size === 1 && isKind(kind)) return kind
  const got = `devices of ${[...kinds].join(', ')}`
  return unusable('kind', `expected one of ${known}, got ${got}; add kind to the address`)
}

async function raw(api: Api, ask: ReadingAsk, question: Question): Promise<Answer> {
  const { kind, scope, fields, stretch } = question
  const { fromNs, toNs, after } = stretch
  const { order, limit } = ask.query
  const page = await api.port.ask(
    'readings',
    { scope, kind, fields: columnsFor(ask, fields), order, limit, cursor: after, fromNs, toNs },
    ask.signal,
  )
  for (const { device } of page.data) requireInScope(scope, device)
  const meta = metaOf(stretch, {
    unit: unitsOf(kind, fields),
    aggregation: 'none: one row per reading',
    coverage: null,
    coverageOf: 'cannot be told of raw readings: ask with every',
  })
  const data = page.data.map((row) => shownReading(row, ask))
  return list({ data, next: nextOf(api, question, page.next), meta }, readingColumns(fields))
}

async function aggregated(
  api: Api,
  ask: ReadingAsk,
  question: Question & { readonly everyNs: bigint },
): Promise<Answer> {
  const { kind, scope, fields, stretch, everyNs } = question
  const { fromNs, toNs, after } = stretch
  const { limit } = ask.query
  const page = await api.port.ask(
    'aggregates',
    { scope, kind, fields: columnsFor(ask, fields), everyNs, limit, cursor: after, fromNs, toNs },
    ask.signal,
  )
  for (const { device } of page.data) requireInScope(scope, device)
  const isWhole = after === null && page.next === null
  const devices = scope.devices?.length ?? new Set(page.data.map(({ device }) => device)).size
  const meta = metaOf(stretch, {
    unit: unitsOf(kind, fields),
    aggregation: 'per device and interval: gauges min, mean, max; counters first, last, delta',
    coverage: isWhole ? coverageOf(page.data.length, devices, stretch) : null,
    coverageOf:
      'share of the intervals with a reading, over the devices asked for (else those in the ' +
      'answer); null on one page of several',
  })
  const data = page.data.map((row) => shownAggregate(row, ask))
  const next = nextOf(api, question, page.next)
  return list({ data, next, meta }, aggregateColumns(kind, fields))
}

/** Null, all fields, is the easier question for a store. */
function columnsFor({ query }: ReadingAsk, fields: readonly string[]): readonly string[] | null {
  return query.fields === undefined ? null : fields
}

/** The keys of rows differ between kinds, orders and intervals. */
function nameOf({ route, query: { every, order } }: ReadingAsk, kind: Kind): string {
  return [route, kind, String(every ?? 'raw'), order].join(' ')
}

function nextOf({ cursors }: Api, question: Question, after: string | null): string | null {
  const { fromNs, toNs } = question.stretch
  return after === null ? null : cursors.seal({ question: question.name, fromNs, toNs, after })
}
