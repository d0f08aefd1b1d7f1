import { KINDS } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { plausibleTime } from '#lib/telemetry/time.ts'
import type { ParsedElement, RefusedElement } from '../formats/format.ts'
import { beginBatch } from '../state/duplicate-memory.ts'
import { addLag } from '../state/constant-lag.ts'
import {
  touchChannel,
  touchDevice,
  type ChannelState,
  type IntakeState,
} from '../state/intake-state.ts'
import { keepLast } from '../state/last-values.ts'
import { countMessage } from './count.ts'
import { countReplay, type ReplayCountDeps } from './count-replay.ts'
import { NONE_KNOWN, ownerOf, type KnownElements } from './deduplicate.ts'
import { judgeElement } from './judge-element.ts'
import { createOutcome, type JudgedMessage, type Outcome } from './outcome.ts'
import type { ParsedMessage } from './parse.ts'

export type JudgeDeps = ReplayCountDeps

export interface JudgeOptions {
  readonly lateNs: bigint
  /** Raw readings of a retention class older than this are refused as `too_old`. */
  readonly maxAgeNs: Readonly<Record<'fleet' | 'metering', bigint>>
  /** Channels of one device; readings on further ones are refused as `too_many_channels`. */
  readonly maxChannels: number
}

/** Elements to readings, refusals and counts. Changes the state, and cannot fail. */
export function judge(
  state: IntakeState,
  parsed: readonly ParsedMessage[],
  known: KnownElements,
  { deps, options }: { readonly deps: JudgeDeps; readonly options: JudgeOptions },
): Outcome {
  const outcome = createOutcome()
  state.batch += 1
  state.isCommitted = false
  for (const one of parsed) {
    const judged = judgeMessage(state, one, known, options)
    for (const reading of judged.readings) outcome.readings.push(reading)
    if (one.message.origin) countReplay(one, judged, { state, deps, outcome })
    else countMessage(touchDevice(state, one.message.device), one, judged, outcome)
  }
  return outcome
}

function judgeMessage(
  state: IntakeState,
  parsed: ParsedMessage,
  known: KnownElements,
  options: JudgeOptions,
): JudgedMessage {
  const { message, channel, output } = parsed
  const { elements } = output
  // Nearly every message has one reading and no refusal: arrays are made when there is something in them.
  let readings: Reading[] | null = null
  let refused: RefusedElement[] | null = null
  let duplicates = 0
  let late = false
  const sender = touchDevice(state, message.device)
  const newestNs = newestOf(elements, message)
  for (let at = 0; at < elements.length; at += 1) {
    const element = elements[at]
    if (!element) continue
    const id = ownerOf(element, message)
    const device = id === message.device ? sender : touchDevice(state, id)
    const channelState = touchChannel(device, channel, options.maxChannels)
    if (channelState && newestNs !== null && element.timeNs === newestNs) {
      addLag(channelState.lag, message.receivedAtNs - newestNs, message.receivedAtNs)
    }
    const old = ageRefusal(element, message, options)
    const isBehind = old !== null && isByClock(channelState, element, message, options)
    const tooOld = isBehind ? null : old
    if (!channelState || tooOld) {
      refused ??= [...output.refused]
      refused.push(tooOld ?? channelRefusal(element, channel, options))
      continue
    }
    beginBatch(channelState.memory, state.batch)
    const reading = judgeElement({
      id,
      device,
      channelState,
      parsed,
      element,
      known: known === NONE_KNOWN ? undefined : known.get(element),
      ordinal: element.ordinal ?? at,
      // Only the first stored reading of a message carries its bytes: sums count it once.
      bytes: readings === null ? message.payload.length : 0,
      lateNs: options.lateNs,
      isBehind,
    })
    if (reading === null) {
      duplicates += 1
      continue
    }
    if (readings === null) readings = [reading]
    else readings.push(reading)
    if ((reading.flags & FLAGS.late) !== 0) late = true
    keepLast(device, reading)
  }
  return { readings: readings ?? [], refused: refused ?? output.refused, duplicates, late }
}

/** The newest time in a live message, an array may bring readings of a while; null where none can be one. */
function newestOf(elements: readonly ParsedElement[], message: JournaledMessage): bigint | null {
  if (!isLive(message)) return null
  let newestNs: bigint | null = null
  for (const { timeNs } of elements) {
    if (timeNs !== null && (newestNs === null || timeNs > newestNs)) newestNs = timeNs
  }
  return newestNs !== null && plausibleTime(newestNs, message.receivedAtNs) ? newestNs : null
}

function isLive({ origin, retain, will, dup }: JournaledMessage): boolean {
  return !origin && !retain && !will && !dup
}

/** Whether an element is too old only by a clock that is behind: live, and young by the time corrected. */
function isByClock(
  channelState: ChannelState | null,
  { timeNs, kind }: ParsedElement,
  message: JournaledMessage,
  { maxAgeNs }: JudgeOptions,
): boolean {
  const lagNs = channelState?.lag.provenNs ?? null
  if (lagNs === null || timeNs === null || !isLive(message)) return false
  return message.receivedAtNs - timeNs - lagNs <= maxAgeNs[KINDS[kind].retention]
}

/** Characters of a channel in a rejection. */
const MAX_SHOWN_CHANNEL = 64

function channelRefusal(
  { elementIndex, subDevice }: ParsedElement,
  channel: string,
  { maxChannels }: JudgeOptions,
): RefusedElement {
  const expected = `one of the ${maxChannels} channels that the device has published on before`
  const got = `the new channel ${channel.slice(0, MAX_SHOWN_CHANNEL)}`
  const owner = subDevice === undefined ? {} : { subDevice }
  return { elementIndex, reason: 'too_many_channels', path: '', expected, got, ...owner }
}

function ageRefusal(
  { elementIndex, kind, timeNs, timePath, subDevice }: ParsedElement,
  message: JournaledMessage,
  { maxAgeNs }: JudgeOptions,
): RefusedElement | null {
  if (timeNs === null || !plausibleTime(timeNs, message.receivedAtNs)) return null
  const limitNs = maxAgeNs[KINDS[kind].retention]
  if (message.receivedAtNs - timeNs <= limitNs) return null
  const path = timePath ?? (elementIndex < 0 ? 'ts' : `[${elementIndex}].ts`)
  const expected = `a time within the retention of ${kind} (${limitNs / 86_400_000_000_000n} days)`
  const got = Temporal.Instant.fromEpochNanoseconds(timeNs).toString()
  const owner = subDevice === undefined ? {} : { subDevice }
  return { elementIndex, reason: 'too_old', path, expected, got, ...owner }
}
