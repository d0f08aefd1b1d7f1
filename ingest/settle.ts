import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { RefusedItem } from './formats/format.ts'
import type { Recovery, RejectedMessage, Standing } from './rejections.ts'
import type { Counts, DeviceState } from './state.ts'

export interface SettleDeps {
  /** How the rejections of an earlier message stand (`RejectionBook.standing`). */
  standing(origin: number, position: number): Standing
}

interface Settled {
  readonly message: JournaledMessage
  readonly format: string
}

/** Everything a batch gathers while its messages are settled. */
export interface Gathered {
  readonly readings: Reading[]
  readonly rejected: RejectedMessage[]
  readonly recovered: Recovery[]
  readonly replays: Map<number, 'recovered' | 'again' | 'duplicate'>
  readonly counts: { stored: number; duplicate: number; rejected: number }
}

/** What became of the elements of one message. */
export interface Judged {
  readonly readings: readonly Reading[]
  readonly refused: readonly RefusedItem[]
  readonly duplicates: number
  readonly late: boolean
}

/** Counts a message in exactly one of stored, rejected and duplicate (design.md, "Sums"). */
export function settleMessage(
  device: DeviceState,
  { message, format }: Settled,
  { readings, refused, duplicates, late }: Judged,
  gathered: Gathered,
): void {
  const { counts } = device
  counts.read += 1
  const whole = readings.length === 0
  if (refused.length > 0) gathered.rejected.push({ message, format, refused, whole })
  if (!whole || (refused.length === 0 && duplicates === 0)) {
    counts.stored += 1
    gathered.counts.stored += 1
    if (late) counts.late += 1
    if (refused.length > 0) counts.partial += 1
  } else if (refused.length > 0) {
    counts.rejected += 1
    gathered.counts.rejected += 1
  } else {
    counts.duplicate += 1
    gathered.counts.duplicate += 1
  }
}

/** A replay moves its message from rejected to stored; it is not accepted a second time. */
export function settleReplay(
  device: DeviceState,
  { message }: Settled,
  { readings, refused, duplicates }: Judged,
  deps: SettleDeps,
  gathered: Gathered,
): void {
  const { origin, position, receivedAtNs } = message
  if (!origin) return
  if (refused.length > 0) {
    gathered.replays.set(position, 'again')
    return
  }
  const stored = readings.length > 0 || duplicates === 0
  gathered.replays.set(position, stored ? 'recovered' : 'duplicate')
  const { open, rejected } = standingNow(origin.position, position, deps, gathered)
  if (origin.item < 0 ? open.length === 0 : !open.includes(origin.item)) return
  gathered.recovered.push({ origin, atNs: receivedAtNs, position })
  const left = origin.item < 0 ? 0 : open.length - 1
  moveCounts(device.counts, { rejected, stored, left })
}

/** The standing of a message, with what this very batch has recovered already. */
function standingNow(
  origin: number,
  position: number,
  deps: SettleDeps,
  { recovered }: Gathered,
): Standing {
  const { open, rejected } = deps.standing(origin, position)
  const mended = recovered.filter((other) => other.origin.position === origin)
  return {
    open: open.filter((item) => !mended.some((other) => [item, -1].includes(other.origin.item))),
    rejected: rejected && mended.length === 0,
  }
}

interface Move {
  /** The message was counted as rejected until now. */
  readonly rejected: boolean
  readonly stored: boolean
  /** Elements of it that stay rejected. */
  readonly left: number
}

function moveCounts(counts: Counts, { rejected, stored, left }: Move): void {
  if (rejected) {
    counts.rejected -= 1
    if (!stored) counts.duplicate += 1
    else {
      counts.stored += 1
      if (left > 0) counts.partial += 1
    }
  } else if (left === 0 && counts.partial > 0) counts.partial -= 1
}
