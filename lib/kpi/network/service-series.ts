import type { ServiceMessage } from './availability.ts'
import { addRun, createSequence, type Sequence } from './loss.ts'
import type { DelayRow } from '#lib/telemetry/delay.ts'

/*
 * The messages of one channel in the order of sending, with those that were lost. Which numbers are
 * lost is what lib/kpi/network/loss.ts says, message by message in the order of arrival, as in
 * `/kpi/loss` and `/delivery`; here they get their places among those that came. Messages without
 * numbers are ordered by the device's own time.
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
  const ordered = inOrder(rows, limit)
  if (!ordered) return null
  return [true, false].flatMap((isRtt) => {
    const mine = ordered.filter(({ row, isLost }) => {
      return row.isWanted && (isLost || row.live) && (row.rttMs !== null) === isRtt
    })
    if (mine.length === 0) return []
    const sent = mine.map(({ row, isLost }): Sent => (isLost ? null : row))
    return [{ isRtt, sent, hasNumbers: mine.some(({ row }) => row.seq !== null) }]
  })
}

/** A message, or a lost one: then `row` is that under which the loss was counted. */
interface Ordered {
  readonly row: DelayRow
  readonly isLost: boolean
  /** Orders the messages of one run of the sender; null where they have no numbers. */
  readonly number: number | null
}

function inOrder(rows: readonly DelayRow[], limit: number): Ordered[] | null {
  const unnumbered: Ordered[] = []
  const runs: Run[] = []
  let sequence = createSequence<DelayRow>()
  let lost = 0
  for (const row of rows) {
    if (row.seq === null) {
      unnumbered.push({ row, isLost: false, number: null })
      continue
    }
    const step = stepTo(sequence, row, row.seq)
    if (step.isNew) runs.push({ came: [], missing: new Map() })
    // The first message always begins a run.
    place(runs.at(-1)!, row, row.seq, step)
    sequence = step.sequence
    lost += step.lost
    if (rows.length + lost > limit) return null
  }
  const numbered = runs.map(({ came, missing }) => [...missing.values(), ...came])
  return [...numbered, unnumbered].flatMap((run) => run.toSorted(bySending))
}

/** What a sender sent until it started again. */
interface Run {
  readonly came: Ordered[]
  /** Lost ones by their numbers. */
  readonly missing: Map<number, Ordered>
}

interface Step {
  readonly sequence: Sequence<DelayRow>
  /** Whether the sender started again, or its counter went round. */
  readonly isNew: boolean
  /** How many more are lost; below zero where one came late. */
  readonly lost: number
}

function stepTo(before: Sequence<DelayRow>, row: DelayRow, seq: number): Step {
  let lost = 0
  const sequence = addRun(before, { from: seq, to: seq, key: row, live: row.live }, (_, counts) => {
    lost += counts.lost ?? 0
  })
  const isNew = sequence.first === seq && sequence.last === seq && before.last !== seq
  return { sequence, isNew, lost }
}

function place({ came, missing }: Run, row: DelayRow, seq: number, step: Step): void {
  const { sequence, isNew, lost } = step
  came.push({ row, isLost: false, number: seq })
  if (lost < 0) missing.delete(seq)
  for (let n = 1; n <= lost; n += 1) {
    // Those before a counter went round come before all of the new run.
    const number = isNew ? -n : sequence.last === seq ? seq - n : seq + n
    missing.set(number, { row, isLost: true, number })
  }
}

function bySending(a: Ordered, b: Ordered): number {
  if (a.number !== null && b.number !== null && a.number !== b.number) return a.number - b.number
  if (a.row.timeNs === b.row.timeNs) return 0
  return a.row.timeNs < b.row.timeNs ? -1 : 1
}

export interface Service {
  readonly method: ServiceMethod
  readonly messages: readonly ServiceMessage[]
  /** Lost ones before the first or after the last of them: of their time nothing is known. */
  readonly lostAtEnds: number
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
    return { method: 'rtt', ...messages, clockBoundMs: null }
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
    ...filled(timed, ({ row }) => row.receivedAtNs),
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
): Pick<Service, 'messages' | 'lostAtEnds'> {
  const messages: ServiceMessage[] = []
  let before: Timed | null = null
  let lost = 0n
  let lostAtEnds = 0n
  for (const one of timed) {
    if (one === null) {
      lost += 1n
      continue
    }
    if (!before) lostAtEnds = lost
    else {
      const stepNs = (one.sentNs - before.sentNs) / (lost + 1n)
      for (let at = 1n; at <= lost; at += 1n) {
        messages.push({ sentNs: before.sentNs + at * stepNs, receivedNs: null })
      }
    }
    messages.push({ sentNs: one.sentNs, receivedNs: receivedOf(one) })
    before = one
    lost = 0n
  }
  return { messages, lostAtEnds: Number(lostAtEnds + lost) }
}

function nsOf(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6))
}
