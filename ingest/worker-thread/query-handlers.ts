import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Handlers } from '#lib/runtime/threads/rpc.ts'
import { QUERIES } from '#lib/queries/catalogue.ts'
import type { IntakeStateReader } from '#lib/queries/intake-state.ts'
import type { AnyQuery, QueryContext, ScopedQuery } from '#lib/queries/query.ts'
import { exactFor, readerFor } from '#lib/store/caller-reader.ts'
import type { ReadingsFileScan, SinceScan } from '#lib/store/scans.ts'
import type { ReadableStore } from '#lib/store/store.ts'

export interface QueryParts {
  readonly store: ReadableStore
  readonly state: IntakeStateReader
  readonly timezone: string
  readonly clock: Pick<Clock, 'nowNs'>
  /** A new name for a file of readings. */
  exportPath(): string
}

/** A handler for each query of the catalogue, and for the scans of the port that are no queries. */
export function createQueryHandlers(parts: QueryParts): Handlers {
  const { reader, files } = parts.store
  const handlers = Object.entries<AnyQuery>(QUERIES).map(([name, definition]) => {
    const answer = (query: ScopedQuery, signal: AbortSignal) =>
      definition.answer(contextOf(parts, query, signal), query)
    return [name, answer] as const
  })
  return {
    ...Object.fromEntries(handlers),
    since: (scan: SinceScan, signal: AbortSignal) => reader.since(scan, signal),
    readingDevices: (scan: ReadingsFileScan, signal: AbortSignal) =>
      files.readingDevices(scan, signal),
    readingsFile: (scan: ReadingsFileScan, signal: AbortSignal) =>
      files.readingsFile({ ...scan, path: parts.exportPath() }, signal),
  }
}

function contextOf(
  { store, state, timezone, clock }: QueryParts,
  { caller }: ScopedQuery,
  signal: AbortSignal,
): QueryContext {
  return {
    store: readerFor(caller, store.reader),
    exact: store.exact && exactFor(caller, store.exact),
    state,
    timezone,
    signal,
    yieldToEventLoop: () => nextTurn(undefined),
    nowNs: () => clock.nowNs(),
  }
}
