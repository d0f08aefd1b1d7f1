import { FLAGS } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { RefusedReading } from '#lib/store/store.ts'
import type { RefusedElement } from '../formats/format.ts'
import { forget } from '../state/duplicate-memory.ts'
import type { ChannelState, Counts, IntakeState } from '../state/intake-state.ts'
import { recountReplays, type ReplayCountDeps } from './count-replay.ts'
import type { Batch, CountedReplay, JudgedMessage, Outcome } from './outcome.ts'

/**
 * The result of a batch when the store refuses some of its readings for good: they become rejections
 * like others, with the reason of the store, and their messages are counted again. The state has
 * moved already, so it is corrected here.
 */
export function withoutRefused(
  outcome: Outcome,
  refused: readonly RefusedReading[],
  { state, messages, deps }: RefusalContext,
): Outcome {
  if (refused.length === 0) return outcome
  const byKey = new Map(refused.map((one) => [keyOf(one), one]))
  const positions = new Set(refused.map(({ position }) => position))
  for (const reading of outcome.readings) {
    const memory = byKey.has(keyOf(reading)) && channelOf(state, reading)?.memory
    if (memory) forget(memory, reading)
  }
  const byOrigin = new Map<number, Map<number, RefusedElement>>()
  const withRefused = (replay: CountedReplay) => refusedReplay(replay, byKey, byOrigin)
  const corrected: Outcome = {
    ...recountReplays(outcome, withRefused, { state, deps }),
    readings: outcome.readings.filter((reading) => !byKey.has(keyOf(reading))),
  }
  const readingsAt = Map.groupBy(outcome.readings, ({ position }) => position)
  const rejectedAt = new Map(outcome.rejected.map((one, at) => [one.message.position, at]))
  for (const message of messages) {
    const { position, origin } = message
    if (origin || !positions.has(position)) continue
    const stored = readingsAt.get(position) ?? []
    const elements = refusedElements(stored, byKey)
    const whole = elements.length === stored.length
    reject({ message, stored, elements, whole, at: rejectedAt.get(position) }, corrected, state)
  }
  return corrected
}

export interface RefusalContext extends Pick<Batch, 'messages'> {
  readonly state: IntakeState
  readonly deps: ReplayCountDeps
}

type RefusedByKey = ReadonlyMap<string, RefusedReading>

/**
 * A replay as the store has taken it. What was refused of an earlier replay of the same message made
 * this one look like a duplicate, so it is refused of this one too.
 */
function refusedReplay(
  { parsed, judged }: CountedReplay,
  byKey: RefusedByKey,
  byOrigin: Map<number, Map<number, RefusedElement>>,
): JudgedMessage {
  const origin = parsed.message.origin?.position ?? 0
  const earlier = byOrigin.get(origin) ?? new Map<number, RefusedElement>()
  byOrigin.set(origin, earlier)
  const isOwn = new Set(judged.readings.map(({ elementIndex }) => elementIndex))
  const again = parsed.output.elements.flatMap(({ elementIndex }) =>
    isOwn.has(elementIndex) ? [] : (earlier.get(elementIndex) ?? []),
  )
  const own = refusedElements(judged.readings, byKey)
  for (const one of own) earlier.set(one.elementIndex, one)
  const refused = [...judged.refused, ...own, ...again]
  const readings = judged.readings.filter((reading) => !byKey.has(keyOf(reading)))
  return { ...judged, readings, refused, duplicates: judged.duplicates - again.length }
}

function refusedElements(
  readings: readonly Reading[],
  byKey: RefusedByKey,
): readonly RefusedElement[] {
  return readings.flatMap((reading) => {
    const refused = byKey.get(keyOf(reading))
    return refused ? [refusedElement(reading, refused)] : []
  })
}

function channelOf(state: IntakeState, { device, channel }: Reading): ChannelState | undefined {
  return state.devices.get(device)?.channels.get(channel)
}

interface Refused {
  readonly message: JournaledMessage
  /** Its readings before the store refused any. */
  readonly stored: readonly Reading[]
  readonly elements: readonly RefusedElement[]
  readonly whole: boolean
  /** Place of its rejection, where others of its elements were refused before. */
  readonly at: number | undefined
}

function reject(refused: Refused, outcome: Outcome, state: IntakeState): void {
  const { message, elements, whole, at } = refused
  const known = at === undefined ? undefined : outcome.rejected[at]
  if (at !== undefined && known) {
    outcome.rejected[at] = { ...known, refused: [...known.refused, ...elements], whole }
  } else outcome.rejected.push({ message, format: '', refused: elements, whole })
  const counts = state.devices.get(message.device)?.counts
  if (counts) recount(refused, counts, outcome)
}

function recount({ stored, whole, at }: Refused, counts: Counts, outcome: Outcome): void {
  const wasPartial = at !== undefined
  if (!whole) {
    if (!wasPartial) counts.partial += 1
    return
  }
  counts.stored -= 1
  counts.rejected += 1
  outcome.counts.stored -= 1
  outcome.counts.rejected += 1
  if (wasPartial) counts.partial -= 1
  if (stored.some(isLate)) counts.late -= 1
}

function keyOf({ position, readingOrdinal }: Pick<Reading, 'position' | 'readingOrdinal'>): string {
  return `${position}.${readingOrdinal}`
}

function isLate({ flags }: Reading): boolean {
  return (flags & FLAGS.late) !== 0
}

function refusedElement({ elementIndex }: Reading, { reason }: RefusedReading): RefusedElement {
  return {
    elementIndex,
    reason: 'store_refused',
    path: '',
    expected: 'a reading that the store takes',
    got: reason,
  }
}
