import type { FullId } from '#lib/telemetry/ids.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { countTraffic } from '../conformance/traffic.ts'
import type { RefusedElement } from '../formats/format.ts'
import type {
  Recovery,
  RefusedAgain,
  RejectedMessage,
  Standing,
} from '../rejections/rejection-log.ts'
import {
  touchDevice,
  type Counts,
  type DeviceState,
  type IntakeState,
} from '../state/intake-state.ts'

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
  /** Devices whose counts were moved by replays. */
  readonly moved: Set<FullId>
  readonly again: RefusedAgain[]
  readonly replays: Map<number, 'recovered' | 'again' | 'duplicate'>
  readonly counts: { stored: number; duplicate: number; rejected: number }
}

/** What became of the elements of one message. */
export interface Judged {
  readonly readings: readonly Reading[]
  readonly refused: readonly RefusedElement[]
  readonly duplicates: number
  readonly late: boolean
}

/** Counts a message in exactly one of stored, rejected and duplicate. */
export function settleMessage(
  device: DeviceState,
  { message, format }: Settled,
  { readings, refused, duplicates, late }: Judged,
  gathered: Gathered,
): void {
  const { counts } = device
  counts.read += 1
  countTraffic(device.traffic, message, format, readings)
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

/** What a replay is settled with. */
interface Replaying {
  readonly state: IntakeState
  readonly deps: SettleDeps
  readonly gathered: Gathered
}

/**
 * A replay moves its message from rejected to stored, where it was counted when it came; it is not
 * accepted a second time. Each element is mended by itself: of an array some may stay rejected, and
 * a message that could not be read at all may turn out to have a bad element.
 */
export function settleReplay(
  { message, format }: Settled,
  { readings, refused, duplicates }: Judged,
  { state, deps, gathered }: Replaying,
): void {
  const { origin, position, receivedAtNs } = message
  if (!origin) return
  if (refused.length > 0) gathered.again.push({ position, refused })
  const isStored = readings.length > 0 || (refused.length === 0 && duplicates === 0)
  const isRead = isStored || duplicates > 0
  const standing = standingNow(origin.position, position, deps, gathered)
  const { open, rejected } = standing
  const still = new Set(refused.map(({ elementIndex }) => elementIndex))
  const mended = open.filter((item) => {
    if (origin.item >= 0 && item !== origin.item) return false
    return isRead && !still.has(item) && !still.has(-1)
  })
  const isAgain = !isStored && refused.length > 0 && mended.length === 0
  gathered.replays.set(position, isStored ? 'recovered' : isAgain ? 'again' : 'duplicate')
  if (mended.length === 0) return
  const device = standing.device ?? message.device
  const isNew = ({ elementIndex }: RefusedElement) =>
    mended.includes(-1) && !open.includes(elementIndex)
  const left = { format, refused: refused.filter(isNew) }
  for (const [at, item] of mended.entries()) {
    const recovery = { origin: { position: origin.position, item }, atNs: receivedAtNs, position }
    gathered.recovered.push(at === 0 ? { ...recovery, left } : recovery)
  }
  const stillOpen = open.length - mended.length + left.refused.length
  gathered.moved.add(device)
  moveCounts(touchDevice(state, device).counts, { rejected, stored: isStored, left: stillOpen })
}

/** The standing of a message, with what this very batch has recovered already. */
function standingNow(
  origin: number,
  position: number,
  deps: SettleDeps,
  { recovered }: Gathered,
): Standing {
  const { open, rejected, ...rest } = deps.standing(origin, position)
  const mended = recovered.filter((other) => other.origin.position === origin)
  return {
    ...rest,
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
