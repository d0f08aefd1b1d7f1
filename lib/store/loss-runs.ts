/*
 * Loss from sequence numbers by the rules of lib/kpi/network/loss.ts, which this folder may not import, on
 * whole runs of consecutive numbers: DuckDB finds the runs, so a million readings without a gap are a
 * handful of steps here. The contract suite holds the two together. A gap remembers its place, so
 * that a late arrival takes the loss away where it was counted.
 */

/** Where something is counted: a minute (Unix minutes) and the keys of a figure. */
export interface Place {
  readonly minute: number
  readonly keys: readonly (string | null)[]
}

interface Gap {
  readonly from: number
  readonly to: number
  readonly place: Place
}

/** What is known of one device and channel. */
export interface ChannelRun {
  readonly first: number
  /** -1 before the first number. */
  readonly last: number
  readonly gaps: readonly Gap[]
}

/** Consecutive numbers in the order of arrival, all of one place. */
export interface Run {
  readonly from: number
  readonly to: number
  readonly place: Place
  /** False for retained and replayed messages: they fill gaps, but no sender started anew. */
  readonly live: boolean
}

export interface LossDelta {
  readonly received: number
  readonly lost: number
  readonly restarts: number
}

export type Count = (place: Place, delta: Partial<LossDelta>) => void

const LEAP = 1000
const REORDER_WINDOW = 64
const FRESH_BELOW = 16
const MAX_GAPS = 64
const WRAP = 2 ** 32

export function emptyChannel(): ChannelRun {
  return { first: -1, last: -1, gaps: [] }
}

/** The channel after one more run; tells `count` what it changes. */
export function addRun(channel: ChannelRun, run: Run, count: Count): ChannelRun {
  let state = channel
  let at = run.from
  while (at <= run.to) {
    const { last } = state
    if (last < 0) return startAt(at, run, count, {})
    if (at > last) return forward(state, at, run, count)
    if (at === last) at += 1
    else if (last >= WRAP - LEAP && last < WRAP && at + WRAP - last < LEAP) {
      return startAt(at, run, count, { lost: at + WRAP - last - 1 })
    } else {
      const gap = state.gaps.find(({ from, to }) => from <= at && at <= to)
      const next = gap ? fill(state, gap, { at, run, count }) : backward(state, at, run, count)
      if (next.done) return next.state
      state = next.state
      at = next.at
    }
  }
  return state
}

interface Step {
  readonly state: ChannelRun
  /** Next number to look at. */
  readonly at: number
  readonly done: boolean
}

/** A new run of numbers: what the old one lacked stays lost. Takes the rest of the run along. */
function startAt(at: number, run: Run, count: Count, delta: Partial<LossDelta>): ChannelRun {
  count(run.place, { ...delta, received: run.to - at + 1 })
  return { first: at, last: run.to, gaps: [] }
}

function forward(state: ChannelRun, at: number, run: Run, count: Count): ChannelRun {
  const missing = at - state.last - 1
  if (missing + 1 >= LEAP) return startAt(at, run, count, { restarts: 1 })
  count(run.place, { received: run.to - at + 1, lost: missing })
  if (missing === 0) return { ...state, last: run.to }
  const gap = { from: state.last + 1, to: at - 1, place: run.place }
  return { ...state, last: run.to, gaps: [...state.gaps, gap].slice(-MAX_GAPS) }
}

/** Late arrivals take their numbers out of the gap. */
function fill(
  state: ChannelRun,
  gap: Gap,
  { at, run, count }: { readonly at: number; readonly run: Run; readonly count: Count },
): Step {
  const upTo = Math.min(run.to, gap.to)
  const n = upTo - at + 1
  count(run.place, { received: n })
  count(gap.place, { lost: -n })
  const left: Gap[] = []
  if (gap.from < at) left.push({ ...gap, to: at - 1 })
  if (upTo < gap.to) left.push({ ...gap, from: upTo + 1 })
  const gaps = state.gaps.flatMap((one) => (one === gap ? left : [one])).slice(-MAX_GAPS)
  return { state: { ...state, gaps }, at: upTo + 1, done: false }
}

/** A number behind the last one that no gap waits for. */
function backward(state: ChannelRun, at: number, run: Run, count: Count): Step {
  const { first, last, gaps } = state
  if (at < first && first - at <= REORDER_WINDOW) {
    const missing = first - at - 1
    count(run.place, { received: 1, lost: missing })
    const gap = { from: at + 1, to: first - 1, place: run.place }
    const all = missing === 0 ? gaps : [gap, ...gaps].slice(-MAX_GAPS)
    return { state: { ...state, first: at, gaps: all }, at: at + 1, done: false }
  }
  const fresh = at < FRESH_BELOW || (at < LEAP && last - at > REORDER_WINDOW)
  if (fresh && run.live) {
    return { state: startAt(at, run, count, { restarts: 1 }), at: run.to + 1, done: true }
  }
  if (at < first) count(run.place, { received: 1 })
  return { state, at: at + 1, done: false }
}

/** As text for the figures file; `thawChannel` reads it back. */
export function freezeChannel({ first, last, gaps }: ChannelRun): string {
  return JSON.stringify([
    first,
    last,
    ...gaps.map(({ from, to, place }) => [from, to, place.minute, ...place.keys]),
  ])
}

type FrozenGap = [from: number, to: number, minute: number, ...keys: (string | null)[]]

export function thawChannel(text: string): ChannelRun {
  // Written by `freezeChannel`.
  const [first, last, ...gaps] = JSON.parse(text) as [number, number, ...FrozenGap[]]
  return {
    first,
    last,
    gaps: gaps.map(([from, to, minute, ...keys]) => ({ from, to, place: { minute, keys } })),
  }
}
