/*
 * Loss from sequence numbers, never from a nominal interval (docs/domain.md 1.2, 5.3). Numbers
 * count up by one per device and channel. A step forward leaves a gap, whose numbers count as lost
 * until they arrive late; a step back to a number seen before is a sender that started anew.
 * Duplicates are judged before (ingest, "Duplicates"): a number seen before is other content.
 */

/** Numbers not yet seen, both ends included. */
type Gap = readonly [from: number, to: number]

/** What is known of one channel: plain JSON, saved as it is. */
export interface LossState {
  /** Smallest and largest number since the sender started, null before the first message. */
  readonly first: number | null
  readonly last: number | null
  readonly received: number
  readonly lost: number
  /** How often the sender started anew: its numbers fell back, or leapt (`LEAP`). */
  readonly restarts: number
  /** Messages that came after one with a higher number. */
  readonly reordered: number
  readonly gaps: readonly Gap[]
}

/** A step of this size or more is not counted as loss but as a sender that started anew. */
const LEAP = 1000
/** How far behind a message may be and still be a late one rather than a new start. */
const REORDER_WINDOW = 64
/** A number below this, seen before, is a new start however near it is. */
const FRESH_BELOW = 16
/** Gaps remembered for late arrivals; the oldest is then given up and stays lost. */
const MAX_GAPS = 64
/** Counters of 32 bits (VDA 5050 headerId) go on from 0. */
const WRAP = 2 ** 32

export function createLossState(): LossState {
  return { first: null, last: null, received: 0, lost: 0, restarts: 0, reordered: 0, gaps: [] }
}

/** The state after one more message, in the order of arrival. */
export function addLossSample(state: LossState, seq: number): LossState {
  const { first, last } = state
  if (first === null || last === null) return startAt(state, seq, { restarts: 0, lost: 0 })
  if (seq > last) return forward(state, seq, last)
  if (seq === last) return state
  if (last >= WRAP - LEAP && last < WRAP && seq + WRAP - last < LEAP) {
    return startAt(state, seq, { restarts: 0, lost: seq + WRAP - last - 1 })
  }
  return filled(state, seq) ?? backward(state, seq, first, last)
}

function forward(state: LossState, seq: number, last: number): LossState {
  const missing = seq - last - 1
  if (missing + 1 >= LEAP) return startAt(state, seq, { restarts: 1, lost: 0 })
  const received = state.received + 1
  if (missing === 0) return { ...state, last: seq, received }
  const gaps = [...state.gaps, [last + 1, seq - 1] as const].slice(-MAX_GAPS)
  return { ...state, last: seq, received, lost: state.lost + missing, gaps }
}

/** A late arrival takes its number out of its gap. */
function filled(state: LossState, seq: number): LossState | null {
  const at = state.gaps.findIndex(([from, to]) => from <= seq && seq <= to)
  const gap = state.gaps[at]
  if (!gap) return null
  const [from, to] = gap
  const left: Gap[] = []
  if (from < seq) left.push([from, seq - 1])
  if (seq < to) left.push([seq + 1, to])
  return {
    ...state,
    received: state.received + 1,
    lost: state.lost - 1,
    reordered: state.reordered + 1,
    gaps: state.gaps.toSpliced(at, 1, ...left).slice(-MAX_GAPS),
  }
}

function backward(state: LossState, seq: number, first: number, last: number): LossState {
  const late = { ...state, received: state.received + 1, reordered: state.reordered + 1 }
  if (seq < first && first - seq <= REORDER_WINDOW) {
    // The very first message was not the first sent: what lies between is missing so far.
    const missing = first - seq - 1
    if (missing === 0) return { ...late, first: seq }
    const gaps = [[seq + 1, first - 1] as const, ...state.gaps].slice(-MAX_GAPS)
    return { ...late, first: seq, lost: state.lost + missing, gaps }
  }
  const fresh = seq < FRESH_BELOW || (seq < LEAP && last - seq > REORDER_WINDOW)
  if (fresh) return startAt(state, seq, { restarts: 1, lost: 0 })
  // From long before the first number we know: it arrived, and tells nothing of the others.
  return seq < first ? late : { ...state, reordered: state.reordered + 1 }
}

/** A new run of numbers. What the old one lacked stays lost: late ones cannot be told apart. */
function startAt(
  state: LossState,
  seq: number,
  { restarts, lost }: { restarts: number; lost: number },
): LossState {
  return {
    ...state,
    first: seq,
    last: seq,
    received: state.received + 1,
    lost: state.lost + lost,
    restarts: state.restarts + restarts,
    gaps: [],
  }
}

export interface LossFigures {
  readonly expected: number
  readonly received: number
  readonly lost: number
  /** Null where nothing was expected. */
  readonly lossRatio: number | null
  readonly restarts: number
  readonly reordered: number
}

export function lossFigures({ received, lost, restarts, reordered }: LossState): LossFigures {
  const expected = received + lost
  const lossRatio = expected === 0 ? null : lost / expected
  return { expected, received, lost, lossRatio, restarts, reordered }
}

/** Loss of a series of sequence numbers in the order of arrival. */
export function lossOfSeries(sequence: Iterable<number>): LossFigures {
  let state = createLossState()
  for (const seq of sequence) state = addLossSample(state, seq)
  return lossFigures(state)
}
