import { compareGrouped, type Grouped } from '#lib/telemetry/grouping.ts'

/*
 * Loss from sequence numbers, never from a nominal interval (docs/domain.md 1.2, 5.3). Numbers
 * count up by one per device and channel. A step forward leaves a gap, whose numbers count as lost
 * until they arrive late; a step back to a number seen before is a sender that started again.
 * Duplicates are judged before (ingest, "Duplicates"): a number seen before is other content.
 *
 * The rules work on runs of consecutive numbers, so a million messages without a gap are one step;
 * a single message is a run of one. A gap remembers where it was counted, so that a late arrival
 * takes the loss away there.
 */

/** Numbers not yet seen, both ends included, and the key they were counted under. */
type Gap<K> = readonly [from: number, to: number, key: K]

/** What is known of the numbers of one device and channel. */
export interface Sequence<K> {
  /** Smallest and largest number since the sender started, null before the first message. */
  readonly first: number | null
  readonly last: number | null
  readonly gaps: readonly Gap<K>[]
}

/** Consecutive numbers in the order of arrival, all counted under one key. */
export interface Run<K> {
  readonly from: number
  readonly to: number
  readonly key: K
  /** False for retained and replayed messages: they fill gaps, but no sender started again. */
  readonly live: boolean
}

export interface LossCounts {
  readonly received: number
  readonly lost: number
  /** How often the sender started again: its numbers fell back, or leapt (`LEAP`). */
  readonly restarts: number
}

/** Takes what a run changes. */
export type CountLoss<K> = (key: K, counts: Partial<LossCounts>) => void

/** A step of this size or more is not counted as loss but as a sender that started again. */
export const LEAP = 1000
/** How far back a number may be and still be a late one rather than a new start. */
const REORDER_WINDOW = 64
/** A number below this, seen before, is a new start however near it is. */
const FRESH_BELOW = 16
/** Gaps remembered for late arrivals; the oldest is then given up and stays lost. */
const MAX_GAPS = 64
/** Counters of 32 bits (VDA 5050 headerId) go on from 0. */
const WRAP = 2 ** 32

export function createSequence<K>(): Sequence<K> {
  return { first: null, last: null, gaps: [] }
}

/** The sequence after one more run; `count` is given what the run changes. */
export function addRun<K>(sequence: Sequence<K>, run: Run<K>, count: CountLoss<K>): Sequence<K> {
  let state = sequence
  let at = run.from
  while (at <= run.to) {
    const { first, last } = state
    if (first === null || last === null) return startAt(at, run, count, {})
    if (at > last) return forward(state, last, { at, run, count })
    if (at === last) at += 1
    else if (last >= WRAP - LEAP && last < WRAP && at + WRAP - last < LEAP) {
      return startAt(at, run, count, { lost: at + WRAP - last - 1 })
    } else {
      const next = late({ ...state, first, last }, { at, run, count })
      if (next.at > run.to) return next.state
      state = next.state
      at = next.at
    }
  }
  return state
}

interface Step<K> {
  /** The number to look at. */
  readonly at: number
  readonly run: Run<K>
  readonly count: CountLoss<K>
}

interface Next<K> {
  readonly state: Sequence<K>
  readonly at: number
}

interface Started<K> extends Sequence<K> {
  readonly first: number
  readonly last: number
}

/** New numbers: what the old ones lacked stays lost, late ones cannot be distinguished. */
function startAt<K>(
  at: number,
  run: Run<K>,
  count: CountLoss<K>,
  counts: Partial<LossCounts>,
): Sequence<K> {
  count(run.key, { ...counts, received: run.to - at + 1 })
  return { first: at, last: run.to, gaps: [] }
}

function forward<K>(
  { first, gaps }: Sequence<K>,
  last: number,
  { at, run, count }: Step<K>,
): Sequence<K> {
  const missing = at - last - 1
  if (missing + 1 >= LEAP) return startAt(at, run, count, { restarts: 1 })
  count(run.key, { received: run.to - at + 1, lost: missing })
  if (missing === 0) return { first, last: run.to, gaps }
  const gap: Gap<K> = [last + 1, at - 1, run.key]
  return { first, last: run.to, gaps: [...gaps, gap].slice(-MAX_GAPS) }
}

/** A number below the last one. */
function late<K>(state: Started<K>, step: Step<K>): Next<K> {
  const { first, last } = state
  const { at, run, count } = step
  const gap = state.gaps.find(([from, to]) => from <= at && at <= to)
  if (gap) return fill(state, gap, step)
  if (at < first && first - at <= REORDER_WINDOW) return beforeFirst(state, step)
  const isFresh = at < FRESH_BELOW || (at < LEAP && last - at > REORDER_WINDOW)
  if (isFresh && run.live) {
    return { state: startAt(at, run, count, { restarts: 1 }), at: run.to + 1 }
  }
  // From long before the first number known, or seen before: it tells nothing of the others.
  if (at < first) count(run.key, { received: 1 })
  return { state, at: at + 1 }
}

/** Late arrivals take their numbers out of the gap. */
function fill<K>(state: Sequence<K>, gap: Gap<K>, { at, run, count }: Step<K>): Next<K> {
  const [from, to, key] = gap
  const upTo = Math.min(run.to, to)
  const n = upTo - at + 1
  count(run.key, { received: n })
  count(key, { lost: -n })
  const left: Gap<K>[] = []
  if (from < at) left.push([from, at - 1, key])
  if (upTo < to) left.push([upTo + 1, to, key])
  const gaps = state.gaps.flatMap((one) => (one === gap ? left : [one])).slice(-MAX_GAPS)
  return { state: { first: state.first, last: state.last, gaps }, at: upTo + 1 }
}

/** The very first message was not the first sent: what lies between is missing so far. */
function beforeFirst<K>({ first, last, gaps }: Started<K>, { at, run, count }: Step<K>): Next<K> {
  const missing = first - at - 1
  count(run.key, { received: 1, lost: missing })
  const gap: Gap<K> = [at + 1, first - 1, run.key]
  const all = missing === 0 ? gaps : [gap, ...gaps].slice(-MAX_GAPS)
  return { state: { first: at, last, gaps: all }, at: at + 1 }
}

/** What is known of one channel, message by message: plain JSON, saved as it is. */
export interface LossState extends Sequence<null>, LossCounts {
  /** Messages that came after one with a higher number. */
  readonly reordered: number
}

export function createLossState(): LossState {
  return { ...createSequence(), received: 0, lost: 0, restarts: 0, reordered: 0 }
}

/** The state after one more message, in the order of arrival; `live` as in `Run`. */
export function addLossSample(state: LossState, seq: number, live = true): LossState {
  let { received, lost, restarts, reordered } = state
  const run = { from: seq, to: seq, key: null, live }
  const { first, last, gaps } = addRun(state, run, (_key, counts) => {
    received += counts.received ?? 0
    lost += counts.lost ?? 0
    restarts += counts.restarts ?? 0
  })
  // Neither a step forward nor a new start: both make the number the last one.
  if (live && state.last !== null && seq < state.last && last === state.last) reordered += 1
  return { first, last, received, lost, restarts, reordered, gaps }
}

/** Loss per group and interval, as far as it has been counted. */
export interface SequenceRow extends Grouped {
  readonly received: number
  readonly lost: number
  readonly restarts: number
}

export interface LossRow extends SequenceRow {
  readonly expected: number
  /** Null where nothing was expected. */
  readonly lossRatio: number | null
}

/** Rows of loss in their order; groups of which nothing was expected and nothing seen are left out. */
export function lossRows(rows: readonly SequenceRow[]): LossRow[] {
  return rows
    .filter(({ received, lost, restarts }) => received + lost !== 0 || restarts !== 0)
    .map(({ group, timeNs, received, lost, restarts }) => {
      const { expected, lossRatio } = lossRatioOf({ received, lost })
      return { group, timeNs, expected, received, lost, lossRatio, restarts }
    })
    .toSorted(compareGrouped)
}

/** Lost over expected; null where nothing was expected. */
export function lossRatioOf({ received, lost }: Pick<LossCounts, 'received' | 'lost'>): {
  readonly expected: number
  readonly lossRatio: number | null
} {
  const expected = received + lost
  return { expected, lossRatio: expected === 0 ? null : lost / expected }
}
