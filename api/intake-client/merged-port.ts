import { isPlatformError } from '#lib/runtime/errors.ts'
import { QUERIES, type QueryName, type ResultOf } from '#lib/queries/catalogue.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import type { AnyQuery, QueryResult, ScopedQuery } from '#lib/queries/query.ts'
import type { IngestStatus } from '#lib/telemetry/readiness.ts'
import type { IntakeSource } from './intakes.ts'
import { isPaged, mergedPage } from './merged-pages.ts'
import { replayEach } from './replay-each.ts'

/** One query on its way to an intake. */
interface QueryCall {
  readonly name: QueryName
  readonly query: ScopedQuery
  readonly signal: AbortSignal | undefined
}

/**
 * Several intakes on one store as if they were one. Data of the store are read from the first intake
 * that replies. The state of each intake is read from all of them, and if one does not reply the query
 * fails: a sum without it would be wrong and look right.
 */
export function mergedPort(intakes: readonly IntakeSource[]): IngestPort {
  const [only, ...more] = intakes
  if (only && more.length === 0) return only.port
  return {
    query: async (name, query, signal) =>
      // The declaration of this name merges results of this type.
      (await mergedResult(intakes, { name, query, signal })) as ResultOf<typeof name>,
    since: () => {
      throw new Error('since has a result for each intake only')
    },
    readingDevices: (scan, signal) =>
      oneOf(intakes, ({ port }) => port.readingDevices(scan, signal)),
    readingsFile: (scan, signal) => oneOf(intakes, ({ port }) => port.readingsFile(scan, signal)),
    replay: (request, signal) => replayEach(intakes, request, signal),
    status: async (signal) =>
      mergeStatus(await Promise.all(intakes.map(({ port }) => port.status(signal)))),
  }
}

async function mergedResult(
  intakes: readonly IntakeSource[],
  call: QueryCall,
): Promise<ResultOf<QueryName>> {
  const definition: AnyQuery = QUERIES[call.name]
  if (!definition.sources.includes('state')) return await fromStore(intakes, call)
  if (isPaged(call.query)) return (await mergedPage(intakes, call)) as ResultOf<QueryName>
  const parts = definition.split?.(call.query) ?? { store: null, state: call.query }
  const [stored, states] = await Promise.all([
    parts.store ? fromStore(intakes, { ...call, query: parts.store }) : null,
    parts.state ? fromEach(intakes, { ...call, query: parts.state }) : [],
  ])
  const merged = states.length === 0 ? null : mergedStates(definition, states)
  return joined(stored as QueryResult<unknown> | null, merged) as ResultOf<QueryName>
}

function mergedStates(
  definition: AnyQuery,
  states: readonly QueryResult<unknown>[],
): QueryResult<unknown> {
  const merged = definition.merge?.(states)
  if (merged) return merged
  throw new Error(`${definition.path} does not say how results of intakes are merged`)
}

function joined(
  stored: QueryResult<unknown> | null,
  merged: QueryResult<unknown> | null,
): QueryResult<unknown> {
  if (!stored || !merged) return stored ?? merged ?? { rows: [] }
  return { ...stored, rows: [...stored.rows, ...merged.rows] }
}

function fromEach(
  intakes: readonly IntakeSource[],
  { name, query, signal }: QueryCall,
): Promise<readonly QueryResult<unknown>[]> {
  // Queries of the state have no limit of what they read.
  return Promise.all(intakes.map(({ port }) => port.query(name, query, signal))) as Promise<
    readonly QueryResult<unknown>[]
  >
}

function fromStore(
  intakes: readonly IntakeSource[],
  { name, query, signal }: QueryCall,
): Promise<ResultOf<QueryName>> {
  return oneOf(intakes, ({ port }) => port.query(name, query, signal))
}

/** Intakes that reply are tried first; when one is lost meanwhile, the next runs the query. */
async function oneOf<T>(
  intakes: readonly IntakeSource[],
  run: (intake: IntakeSource) => Promise<T>,
): Promise<T> {
  const inOrder = intakes.toSorted(
    (a, b) => Number(a.problem() !== null) - Number(b.problem() !== null),
  )
  let reason: unknown
  for (const intake of inOrder) {
    try {
      return await run(intake)
    } catch (error) {
      if (!isPlatformError(error, 'INGEST_UNREACHABLE')) throw error
      reason = error
    }
  }
  throw reason
}

/** The largest lag, the sum of waiting messages, and every problem. */
export function mergeStatus(statuses: readonly IngestStatus[]): IngestStatus {
  const sum = (read: (one: IngestStatus) => number) => statuses.reduce((n, one) => n + read(one), 0)
  return {
    journal: statuses.map(({ journal }) => journal).join(' '),
    durable: sum(({ durable }) => durable),
    written: sum(({ written }) => written),
    lagMessages: sum(({ lagMessages }) => lagMessages),
    lagMs: Math.max(0, ...statuses.map(({ lagMs }) => lagMs)),
    problems: statuses.flatMap(({ problems }) => problems),
    warnings: statuses.flatMap(({ warnings }) => warnings),
  }
}
