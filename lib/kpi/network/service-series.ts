import type { ServiceMessage } from './availability.ts'
import { LEAP, addLossSample, createLossState } from './loss.ts'
import type { DelayRow } from '#lib/telemetry/delay.ts'

/*
 * The messages of one channel in the order of sending, with those that were lost. Numbers order
 * them within one run of the sender, and a gap that nothing filled means lost ones
 * (lib/kpi/network/loss.ts); without numbers the device's own time orders them.
 */

/** How a delay is measured; `relative`: the least delay is unknown, and counts as none. */
export type ServiceMethod = 'rtt' | 'uplink' | 'relative'

/** One message of a channel; null is a lost one. */
export type Sent = DelayRow | null

/** Round trips are a service of their own beside the messages that went one way. */
export interface Channel {
  readonly isRtt: boolean
  readonly sent: readonly Sent[]
  readonly hasNumbers: boolean
}

/** Both services of one channel, from its rows in the order of arrival; null: over the limit. */
export function channelsOf(rows: readonly DelayRow[], limit: number): Channel[] | null {
  const sent = inOrder(rows, limit)
  if (!sent) return null
  return [true, false].flatMap((isRtt) => {
    const mine = sent.filter(({ row }) => row.isWanted && (row.rttMs !== null) === isRtt)
    if (mine.length === 0) return []
    // A lost message is taken for one of the sort that came next.
    const all = mine.flatMap(({ row, lostBefore }): Sent[] => [
      ...Array<null>(lostBefore).fill(null),
      row,
    ])
    return [{ isRtt, sent: all, hasNumbers: mine.some(({ row }) => row.seq !== null) }]
  })
}

interface Ordered {
  readonly row: DelayRow
  readonly lostBefore: number
}

function inOrder(rows: readonly DelayRow[], limit: number): Ordered[] | null {
  const ordered: Ordered[] = []
  let lost = 0
  for (const { run, lostBefore } of runsOf(rows)) {
    const sorted = run.toSorted(bySending)
    for (const [at, row] of sorted.entries()) {
      const before = sorted[at - 1]
      const missing = before ? gapBetween(before, row) : lostBefore
      lost += missing
      if (rows.length + lost > limit) return null
      ordered.push({ row, lostBefore: missing })
    }
  }
  return ordered
}

function gapBetween(before: DelayRow, row: DelayRow): number {
  if (before.seq === null || row.seq === null) return 0
  const missing = row.seq - before.seq - 1
  // A step of that size is no loss: the message is from long before.
  return missing > 0 && missing + 1 < LEAP ? missing : 0
}

interface Run {
  readonly run: DelayRow[]
  /** Numbers missing between the run before and this one, where a counter went round. */
  readonly lostBefore: number
}

/** Cuts the rows where the sender started again; those without a number are a run of their own. */
function runsOf(rows: readonly DelayRow[]): Run[] {
  const runs: Run[] = []
  const unnumbered: DelayRow[] = []
  let state = createLossState()
  for (const row of rows) {
    if (row.seq === null) {
      unnumbered.push(row)
      continue
    }
    const next = addLossSample(state, row.seq)
    const isNew = next.first === row.seq && next.last === row.seq && state.last !== row.seq
    if (isNew) runs.push({ run: [], lostBefore: next.lost - state.lost })
    runs.at(-1)?.run.push(row)
    state = next
  }
  return unnumbered.length > 0 ? [...runs, { run: unnumbered, lostBefore: 0 }] : runs
}

function bySending(a: DelayRow, b: DelayRow): number {
  if (a.seq !== null && b.seq !== null && a.seq !== b.seq) return a.seq - b.seq
  if (a.timeNs === b.timeNs) return 0
  return a.timeNs < b.timeNs ? -1 : 1
}

export interface Service {
  readonly method: ServiceMethod
  readonly messages: readonly ServiceMessage[]
  readonly clockBoundMs: number | null
}

/**
 * Publication and reception by one clock (docs/domain.md 5.1). A round trip needs the probe's
 * alone. One way, the device's time is corrected by its offset where that was ever measured. Else
 * the only thing known is how much later than the fastest message each one came: the delay of that
 * one counts as none.
 */
export function serviceOf({ isRtt, sent }: Channel): Service {
  if (isRtt) {
    const timed = sent.map((row) => row && { row, sentNs: row.timeNs })
    const messages = filled(timed, ({ row, sentNs }) => sentNs + nsOf(row.rttMs ?? 0))
    return { method: 'rtt', messages, clockBoundMs: null }
  }
  const rows = sent.filter((row) => row !== null)
  const bounds = rows.map((row) => row.clockBoundMs).filter((bound) => bound !== null)
  const isKnown = rows.some((row) => row.timed && row.uplinkMs !== null)
  const shiftOf = isKnown ? measuredShifts(rows) : leastAge(rows)
  // A reading without a time of its own came, so it is not lost, but tells nothing of a delay.
  const timed = sent
    .filter((row) => row === null || row.timed)
    .map((row) => row && { row, sentNs: row.timeNs + shiftOf(row) })
  return {
    method: isKnown ? 'uplink' : 'relative',
    messages: filled(timed, ({ row }) => row.receivedAtNs),
    clockBoundMs: bounds.length > 0 ? bounds.reduce((max, one) => Math.max(max, one)) : null,
  }
}

/** What brings each device time to the platform's clock; unmeasured ones take the one before. */
function measuredShifts(rows: readonly DelayRow[]): (row: DelayRow) => bigint {
  const shifts = new Map<DelayRow, bigint>()
  let known: bigint | null = null
  let first: bigint | null = null
  for (const row of rows) {
    if (row.timed && row.uplinkMs !== null) {
      known = row.receivedAtNs - nsOf(row.uplinkMs) - row.timeNs
      first ??= known
    }
    if (known !== null) shifts.set(row, known)
  }
  return (row) => shifts.get(row) ?? first ?? 0n
}

function leastAge(rows: readonly DelayRow[]): () => bigint {
  let least: bigint | null = null
  for (const row of rows) {
    const ageNs = row.receivedAtNs - row.timeNs
    if (row.timed && (least === null || ageNs < least)) least = ageNs
  }
  return () => least ?? 0n
}

interface Timed {
  readonly row: DelayRow
  readonly sentNs: bigint
}

/** Lost messages are taken to have been sent evenly between their neighbours. */
function filled(
  timed: readonly (Timed | null)[],
  receivedOf: (one: Timed) => bigint,
): ServiceMessage[] {
  const messages: ServiceMessage[] = []
  let before: Timed | null = null
  let lost = 0n
  for (const one of timed) {
    if (one === null) {
      lost += 1n
      continue
    }
    // Before the first message nothing is known of the time.
    if (before) {
      const stepNs = (one.sentNs - before.sentNs) / (lost + 1n)
      for (let at = 1n; at <= lost; at += 1n) {
        messages.push({ sentNs: before.sentNs + at * stepNs, receivedNs: null })
      }
    }
    messages.push({ sentNs: one.sentNs, receivedNs: receivedOf(one) })
    before = one
    lost = 0n
  }
  return messages
}

function nsOf(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6))
}
