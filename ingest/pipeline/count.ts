import { countTraffic, countUnknownFields } from '../conformance/traffic.ts'
import type { RefusedElement } from '../formats/format.ts'
import type { RejectionStatus } from '../rejections/rejected-message.ts'
import {
  touchDevice,
  type Counts,
  type DeviceState,
  type IntakeState,
} from '../state/intake-state.ts'
import type { JudgedMessage, Outcome } from './outcome.ts'
import type { ParsedMessage } from './parse.ts'

export interface CountDeps {
  /** The rejections of an earlier message (`RejectionLog.statusBefore`). */
  statusBefore(origin: number, position: number): RejectionStatus
}

/** Counts a message in exactly one of stored, rejected and duplicate. */
export function countMessage(
  device: DeviceState,
  { message, format, output }: ParsedMessage,
  { readings, refused, duplicates, late }: JudgedMessage,
  outcome: Outcome,
): void {
  const { counts } = device
  counts.read += 1
  countTraffic(device.traffic, message, format, readings)
  countUnknownFields(device.traffic, output.elements)
  const whole = readings.length === 0
  if (refused.length > 0) outcome.rejected.push({ message, format, refused, whole })
  if (!whole || (refused.length === 0 && duplicates === 0)) {
    counts.stored += 1
    outcome.counts.stored += 1
    if (late) counts.late += 1
    if (refused.length > 0) counts.partial += 1
  } else if (refused.length > 0) {
    counts.rejected += 1
    outcome.counts.rejected += 1
  } else {
    counts.duplicate += 1
    outcome.counts.duplicate += 1
  }
}

interface ReplayContext {
  readonly state: IntakeState
  readonly deps: CountDeps
  readonly outcome: Outcome
}

/**
 * A replay moves its message from rejected to stored, where it was counted when it came; it is not
 * accepted a second time. Each element is recovered by itself: of an array some may stay rejected,
 * and a message that could not be read at all may turn out to have a bad element.
 */
export function countReplay(
  { message, format }: ParsedMessage,
  { readings, refused, duplicates }: JudgedMessage,
  { state, deps, outcome }: ReplayContext,
): void {
  const { origin, position, receivedAtNs } = message
  if (!origin) return
  if (refused.length > 0) outcome.refusedReplays.push({ position, refused })
  const isStored = readings.length > 0 || (refused.length === 0 && duplicates === 0)
  const isRead = isStored || duplicates > 0
  const status = statusNow(origin.position, position, deps, outcome)
  const { open, rejected } = status
  const stillRefused = new Set(refused.map(({ elementIndex }) => elementIndex))
  const recovered = open.filter((elementIndex) => {
    if (origin.elementIndex >= 0 && elementIndex !== origin.elementIndex) return false
    return isRead && !stillRefused.has(elementIndex) && !stillRefused.has(-1)
  })
  const isAgain = !isStored && refused.length > 0 && recovered.length === 0
  outcome.replays.set(position, isStored ? 'recovered' : isAgain ? 'again' : 'duplicate')
  if (recovered.length === 0) return
  const device = status.device ?? message.device
  const isNew = ({ elementIndex }: RefusedElement) =>
    recovered.includes(-1) && !open.includes(elementIndex)
  const left = { format, refused: refused.filter(isNew) }
  for (const [at, elementIndex] of recovered.entries()) {
    const from = { position: origin.position, elementIndex }
    const recovery = { origin: from, atNs: receivedAtNs, position }
    outcome.recovered.push(at === 0 ? { ...recovery, left } : recovery)
  }
  const stillOpen = open.length - recovered.length + left.refused.length
  outcome.recounted.add(device)
  moveCounts(touchDevice(state, device).counts, { rejected, stored: isStored, left: stillOpen })
}

/** The rejections of a message, without those that this very batch has recovered already. */
function statusNow(
  origin: number,
  position: number,
  deps: CountDeps,
  outcome: Outcome,
): RejectionStatus {
  const { open, rejected, ...rest } = deps.statusBefore(origin, position)
  const recovered = outcome.recovered.filter((other) => other.origin.position === origin)
  const isOpen = (elementIndex: number) =>
    !recovered.some((other) => [elementIndex, -1].includes(other.origin.elementIndex))
  return { ...rest, open: open.filter(isOpen), rejected: rejected && recovered.length === 0 }
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
