import { FLAGS } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { RefusedReading } from '#lib/store/store.ts'
import type { RefusedElement } from '../formats/format.ts'
import type { RejectedMessage } from '../rejections/rejected-message.ts'
import type { Counts, IntakeState } from '../state/intake-state.ts'
import type { Batch, Outcome } from './outcome.ts'

/**
 * The result of a batch when the store refuses some of its readings for good: they become rejections
 * like others, with the reason of the store, and their messages are counted again. The state has
 * moved already, so it is corrected here.
 */
export function withoutRefused(
  outcome: Outcome,
  refused: readonly RefusedReading[],
  { state, messages }: Pick<Batch, 'messages'> & { readonly state: IntakeState },
): Outcome {
  if (refused.length === 0) return outcome
  const byPosition = Map.groupBy(refused, ({ position }) => position)
  const gone = new Set(refused.map(keyOf))
  const isGone = (reading: Reading) => gone.has(keyOf(reading))
  const corrected: Outcome = {
    ...outcome,
    readings: outcome.readings.filter((reading) => !isGone(reading)),
    // What the store refuses is not recovered.
    recovered: outcome.recovered.filter(({ position }) => !byPosition.has(position)),
  }
  for (const message of messages) {
    const { position } = message
    const refusedReadings = byPosition.get(position)
    if (!refusedReadings) continue
    const stored = outcome.readings.filter((reading) => reading.position === position)
    const isArray = isSeveral(message, stored)
    const elements = refusedReadings.map((one) => refusedElement(one, isArray))
    const whole = stored.every(isGone)
    if (!message.origin) reject({ message, stored, elements, whole }, corrected, state)
    else {
      // The rejection that was to be recovered stays as it is.
      corrected.replays.set(position, 'again')
      corrected.refusedReplays.push({ position, refused: elements })
      const isMoved = outcome.recovered.some((one) => one.position === position)
      if (isMoved && whole) moveToRejected(state.devices.get(message.device)?.counts)
    }
  }
  return corrected
}

interface Refused {
  readonly message: JournaledMessage
  /** Its readings before the store refused any. */
  readonly stored: readonly Reading[]
  readonly elements: readonly RefusedElement[]
  readonly whole: boolean
}

function reject(refused: Refused, outcome: Outcome, state: IntakeState): void {
  const { message, elements, whole } = refused
  const at = outcome.rejected.findIndex((one) => one.message.position === message.position)
  const known = outcome.rejected[at]
  const now: RejectedMessage = known
    ? { ...known, refused: [...known.refused, ...elements], whole }
    : { message, format: '', refused: elements, whole }
  if (known) outcome.rejected[at] = now
  else outcome.rejected.push(now)
  recount(refused, outcome, { state, wasPartial: known !== undefined })
}

function recount(
  { message, stored, whole }: Refused,
  outcome: Outcome,
  { state, wasPartial }: { readonly state: IntakeState; readonly wasPartial: boolean },
): void {
  const counts = state.devices.get(message.device)?.counts
  if (!counts) return
  if (!whole) {
    if (!wasPartial) counts.partial += 1
    return
  }
  moveToRejected(counts)
  outcome.counts.stored -= 1
  outcome.counts.rejected += 1
  if (wasPartial) counts.partial -= 1
  if (stored.some(isLate)) counts.late -= 1
}

function moveToRejected(counts: Counts | undefined): void {
  if (!counts) return
  counts.stored -= 1
  counts.rejected += 1
}

function keyOf({ position, readingOrdinal }: Pick<Reading, 'position' | 'readingOrdinal'>): string {
  return `${position}.${readingOrdinal}`
}

function isLate({ flags }: Reading): boolean {
  return (flags & FLAGS.late) !== 0
}

const OPENING_BRACKET = 0x5b

/** Whether an element of the message has a number: an array, or a format of several records. */
function isSeveral({ payload }: JournaledMessage, stored: readonly Reading[]): boolean {
  const isArray = payload[0] === OPENING_BRACKET
  return isArray || stored.length > 1 || stored.some(({ readingOrdinal }) => readingOrdinal > 0)
}

function refusedElement(
  { readingOrdinal, reason }: RefusedReading,
  isArray: boolean,
): RefusedElement {
  return {
    elementIndex: isArray ? readingOrdinal : -1,
    reason: 'store_refused',
    path: '',
    expected: 'a reading that the store takes',
    got: reason,
  }
}
