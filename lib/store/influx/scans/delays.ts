import { FLAGS } from '#lib/telemetry/flags.ts'
import type { DelaysScan } from '../../scans.ts'
import type { DelayRow } from '#lib/telemetry/delay.ts'
import type { TooMany } from '#lib/telemetry/too-many.ts'
import { NOT_FOR_LATENCY, isLive, isPossibleRtt } from '../figures/figure-sums.ts'
import { rawRows, type RawRow } from './raw-rows.ts'
import type { ScanContext } from './view.ts'

/**
 * Messages of a span in the order of arrival, per device and channel; several readings under one
 * number of one message are one. Those of other kinds than the scope's come too, unwanted, and so do
 * retained, will and replayed ones with a number, not live: they tell which numbers came
 * (docs/domain.md 5.3).
 */
export async function scanDelays(
  context: ScanContext,
  { scope, fromNs, toNs, maxRows }: DelaysScan,
): Promise<readonly DelayRow[] | TooMany> {
  const found: RawRow[] = []
  for await (const rows of rawRows(context, { ...scope, kinds: null }, { fromNs, toNs })) {
    for (const row of rows) if (isLive(row) || row.seq !== null) found.push(row)
    if (found.length > maxRows) return { tooMany: true, limit: maxRows }
  }
  const isWanted = ({ kind }: RawRow) => scope.kinds?.includes(kind) ?? true
  const messages = new Map<string, RawRow>()
  for (const row of found) {
    const { device, channel, journal, position, seq, timeNs } = row
    const key = `${device} ${channel} ${journal} ${position} ${seq} ${timeNs}`
    const other = messages.get(key)
    if (!other || comesFirst(row, other, isWanted)) messages.set(key, row)
  }
  return [...messages.values()].toSorted(byArrival).map((row) => delayRow(row, isWanted(row)))
}

/** Of the readings of one message a wanted one is kept, and of these the one with a round trip. */
function comesFirst(a: RawRow, b: RawRow, isWanted: (row: RawRow) => boolean): boolean {
  if (isWanted(a) !== isWanted(b)) return isWanted(a)
  if ((a.rttMs === null) !== (b.rttMs === null)) return a.rttMs !== null
  return a.readingOrdinal < b.readingOrdinal
}

function byArrival(a: RawRow, b: RawRow): number {
  if (a.device !== b.device) return a.device < b.device ? -1 : 1
  if (a.channel !== b.channel) return a.channel < b.channel ? -1 : 1
  if (a.journal === b.journal) return a.position - b.position || a.readingOrdinal - b.readingOrdinal
  // Two intakes have no common order but the clock.
  return Number(a.receivedAtNs - b.receivedAtNs) || (a.journal < b.journal ? -1 : 1)
}

function delayRow(row: RawRow, isWanted: boolean): DelayRow {
  const { device, channel, seq, timeNs, receivedAtNs, uplinkMs, clockBoundMs, rttMs, flags } = row
  return {
    device,
    channel,
    seq,
    timeNs,
    receivedAtNs,
    uplinkMs,
    clockBoundMs,
    rttMs: isPossibleRtt(rttMs) ? rttMs : null,
    counts: (flags & NOT_FOR_LATENCY) === 0,
    isLate: (flags & FLAGS.late) !== 0,
    timed: (flags & FLAGS.clock_invalid) === 0 && receivedAtNs !== timeNs,
    isWanted,
    live: isLive(row),
  }
}
