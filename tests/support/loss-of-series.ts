import { addLossSample, createLossState, lossRatioOf } from '#lib/kpi/network/loss.ts'

/** Loss of a series of sequence numbers in the order of arrival. */
export function lossOfSeries(numbers: Iterable<number>) {
  let state = createLossState()
  for (const seq of numbers) state = addLossSample(state, seq)
  const { received, lost, restarts, reordered } = state
  return { ...lossRatioOf(state), received, lost, restarts, reordered }
}
