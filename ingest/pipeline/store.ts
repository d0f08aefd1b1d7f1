import type { StoreWriter } from '#lib/store/store.ts'
import type { IntakeState } from '../state/intake-state.ts'
import type { ReplayCountDeps } from './count-replay.ts'
import type { Batch, Outcome } from './outcome.ts'
import { withoutRefused } from './store-refusals.ts'

export interface StoreDeps extends ReplayCountDeps {
  /** UUID of the journal. */
  readonly journal: string
  readonly store: Pick<StoreWriter, 'write'>
  readonly state: IntakeState
}

/** Writes the readings of a batch; what the store refuses becomes rejections. */
export async function store(
  outcome: Outcome,
  { messages, toPosition }: Batch,
  deps: StoreDeps,
): Promise<Outcome> {
  const { journal, store: writer, state } = deps
  const { refused } = await writer.write({ journal, toPosition, readings: outcome.readings })
  return withoutRefused(outcome, refused, { state, messages, deps })
}
