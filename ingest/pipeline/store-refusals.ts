import { FLAGS } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { RefusedReading } from '#lib/store/store.ts'
import type { RefusedElement } from '../formats/format.ts'
import type { Outcome } from './pipeline.ts'
import type { RejectedMessage } from '../rejections/rejection-log.ts'
import type { Counts, IntakeState } from '../state/intake-state.ts'

/**
 * What a batch comes to when the store does not take some of its readings, whatever one does: they are
 * rejections like others, with the words of the store, and their messages are counted anew. The state
 * has moved on already, so it is mended here.
 */
export function withoutRefused(
  outcome: Outcome,
  refused: readonly RefusedReading[],
  {
    state,
    messages,
  }: { readonly state: IntakeState; readonly messages: readonly JournaledMessage[] },
): Outcome {
  if (refused.length === 0) return outcome
  const byPosition = Map.groupBy(refused, ({ position }) => position)
  const keyOf = ({ position, index }: { position: number; index: number }) => `${position}.${index}`
  const gone = new Set(refused.map(keyOf))
  const rejected = [...outcome.rejected]
  const replays = new Map(outcome.replays)
  const again = [...outcome.again]
  for (const message of messages) {
    const its = byPosition.get(message.position)
    if (!its) continue
    const stored = outcome.readings.filter(({ position }) => position === message.position)
    const before = rejected.findIndex((one) => one.message.position === message.position)
    const items = its.map((one) => refusedItem(one, isSeveral(message, stored)))
    const whole = stored.every((reading) => gone.has(keyOf(reading)))
    if (message.origin) {
      // The rejection it was to mend stays as it is.
      replays.set(message.position, 'again')
      again.push({ position: message.position, refused: items })
      const isMoved = outcome.recovered.some(({ position }) => position === message.position)
      if (isMoved && whole) move(state.devices.get(message.device)?.counts)
      continue
    }
    const known = rejected[before]
    const now: RejectedMessage = known
      ? { ...known, refused: [...known.refused, ...items], whole }
      : { message, format: '', refused: items, whole }
    if (known) rejected[before] = now
    else rejected.push(now)
    recount(state, outcome, { message, stored, whole, wasPartial: known !== undefined })
  }
  return {
    ...outcome,
    readings: outcome.readings.filter((reading) => !gone.has(keyOf(reading))),
    rejected,
    replays,
    again,
    // What the store refuses is not recovered.
    recovered: outcome.recovered.filter(({ position }) => !byPosition.has(position)),
  }
}

interface Moved {
  readonly message: JournaledMessage
  /** Its readings before the store refused any. */
  readonly stored: readonly Reading[]
  readonly whole: boolean
  readonly wasPartial: boolean
}

function recount(state: IntakeState, outcome: Outcome, moved: Moved): void {
  const counts = state.devices.get(moved.message.device)?.counts
  if (!counts) return
  if (!moved.whole) {
    if (!moved.wasPartial) counts.partial += 1
    return
  }
  move(counts)
  outcome.counts.stored -= 1
  outcome.counts.rejected += 1
  if (moved.wasPartial) counts.partial -= 1
  if (moved.stored.some(isLate)) counts.late -= 1
}

/** From stored to rejected. */
function move(counts: Counts | undefined): void {
  if (!counts) return
  counts.stored -= 1
  counts.rejected += 1
}

function isLate({ flags }: Reading): boolean {
  return (flags & FLAGS.late) !== 0
}

/** Whether an element of the message has a number: an array, or a format of several records. */
function isSeveral({ payload }: JournaledMessage, stored: readonly Reading[]): boolean {
  return stored.length > 1 || stored.some(({ index }) => index > 0) || payload[0] === OPENING
}

const OPENING = 0x5b

function refusedItem({ index, words }: RefusedReading, isSeveral: boolean): RefusedElement {
  return {
    elementIndex: isSeveral ? index : -1,
    reason: 'store_refused',
    path: '',
    expected: 'a reading that the store takes',
    got: words,
  }
}
