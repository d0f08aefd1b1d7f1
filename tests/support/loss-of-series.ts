import {
  addLossSample,
  addRun,
  createLossState,
  createSequence,
  lossRatioOf,
} from '#lib/kpi/network/loss.ts'

/** Loss of a series of sequence numbers in the order of arrival. */
export function lossOfSeries(numbers: Iterable<number>) {
  let state = createLossState()
  for (const seq of numbers) state = addLossSample(state, seq)
  const { received, lost, restarts, reordered } = state
  return { ...lossRatioOf(state), received, lost, restarts, reordered }
}

interface Arrival {
  readonly seq: number
  readonly live: boolean
  readonly isProbe: boolean
}

/** Loss as the intake counts it, and as the stores do for a kind. */
export function lossOfArrivals(arrivals: readonly Arrival[]) {
  let state = createLossState()
  let sequence = createSequence<boolean>()
  const lost = new Map<boolean, number>()
  for (const { seq, live, isProbe } of arrivals) {
    state = addLossSample(state, seq, live)
    sequence = addRun(sequence, { from: seq, to: seq, key: isProbe, live }, (key, counts) => {
      lost.set(key, (lost.get(key) ?? 0) + (counts.lost ?? 0))
    })
  }
  return { lost: state.lost, lostOf: (isProbe: boolean) => lost.get(isProbe) ?? 0 }
}
