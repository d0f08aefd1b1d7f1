import { setImmediate as nextTurn } from 'node:timers/promises'
import type { HeatState, IntakeStateReader } from '#lib/queries/intake-state.ts'
import type { QueryContext } from '#lib/queries/query.ts'
import type { StoreReader } from '#lib/store/store.ts'

interface Given {
  readonly store: Partial<StoreReader>
  readonly heat?: HeatState
  readonly timezone?: string
  readonly nowNs?: bigint
}

/** What a query is computed from, with the parts that a test gives; it must not need any other. */
export function queryContext({ store, heat, timezone, nowNs }: Given): QueryContext {
  const state: Partial<IntakeStateReader> = heat ? { heat } : {}
  return {
    // A query that reaches for a part that is missing fails its test.
    store: store as StoreReader,
    exact: null,
    state: state as IntakeStateReader,
    timezone: timezone ?? 'Europe/Copenhagen',
    nowNs: () => nowNs ?? 0n,
    signal: new AbortController().signal,
    yieldToEventLoop: () => nextTurn(undefined),
  }
}
