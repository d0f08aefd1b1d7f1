import { addLossSample } from '#lib/kpi/network/loss.ts'
import { offsetAt } from '#lib/kpi/network/clock.ts'
import { spanMs, uplinkMs } from '#lib/kpi/network/latency.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { fullId, tenantOf, type FullId } from '#lib/telemetry/ids.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { plausibleTime } from '#lib/telemetry/time.ts'
import { NATIVE_PREFIX } from '#lib/telemetry/topics.ts'
import type { Identity, Known } from '#lib/store/store.ts'
import {
  beginBatch,
  judgeInvalidClock,
  judgeTimed,
  judgeUntimed,
  needsLookup,
  type ChannelMemory,
  type LookedUp,
  type Verdict,
} from '../state/duplicate-memory.ts'
import { repeatRefusals, type DecidedDeps } from './repeat-refusals.ts'
import { formatNamed } from '../formats/catalogue.ts'
import type { ParsedElement, FormatOutput, RefusedElement } from '../formats/format.ts'
import { keepLast } from '../state/last-values.ts'
import type { Recovery, RefusedAgain, RejectedMessage } from '../rejections/rejection-log.ts'
import {
  settleMessage,
  settleReplay,
  type Gathered,
  type Judged,
  type SettleDeps,
} from './count.ts'
import {
  touchChannel,
  touchDevice,
  type ChannelState,
  type DeviceState,
  type IntakeState,
} from '../state/intake-state.ts'
import { admitSubDevices, inputOfGateway, type OfSender, type SubDeviceDeps } from './admit.ts'

export interface PipelineOptions {
  readonly timezone: string
  readonly lateNs: bigint
  /** Raw readings of a retention class older than this are refused as `too_old`. */
  readonly maxAgeNs: Readonly<Record<'fleet' | 'metering', bigint>>
  /** Asks the store about every element: for a run whose memory does not go back far enough. */
  readonly lookUpAll?: boolean
}

export interface PipelineDeps extends SettleDeps, SubDeviceDeps, DecidedDeps {
  /** A secret of a device, for formats that decrypt; null when it has none of that name. */
  secretOf?(id: FullId, name: string): string | null
  /** Asked once per batch for elements that the memory no longer covers. */
  known(identities: readonly Identity[]): Promise<readonly Known[]>
}

/** What a run of journal records comes to. */
export interface Outcome {
  readonly readings: readonly Reading[]
  readonly rejected: readonly RejectedMessage[]
  readonly recovered: readonly Recovery[]
  /** Devices whose counts replays have moved: those that the messages were first counted for. */
  readonly moved: ReadonlySet<FullId>
  /** What was refused of replays. */
  readonly again: readonly RefusedAgain[]
  /** How replay records ended, by their own position. */
  readonly replays: ReadonlyMap<number, 'recovered' | 'again' | 'duplicate'>
  readonly counts: { stored: number; duplicate: number; rejected: number }
}

/** One message on its way: what its format made of it, and what the store says of its elements. */
interface Parsed extends OfSender {
  readonly message: JournaledMessage
  readonly channel: string
}

type LookedUpElements = ReadonlyMap<ParsedElement, LookedUp>
const NOTHING_LOOKED_UP: LookedUpElements = new Map()

/**
 * From journal records to readings, rejections and counts (ARCHITECTURE.md, "The way of a message"):
 * parse, admit, look up, judge, settle. Only `settle` changes the state, and only after everything that
 * can fail has been done, so a batch can be tried again.
 */
export async function runPipeline(
  state: IntakeState,
  messages: readonly JournaledMessage[],
  deps: PipelineDeps,
  options: PipelineOptions,
): Promise<Outcome> {
  const read = messages.map((message) => {
    const one = parse(message, deps, options)
    const output = repeatRefusals(one.output, message.position, deps)
    return output === one.output ? one : { ...one, output }
  })
  const parsed = await admitSubDevices(read, deps)
  const lookedUp = await lookUp(state, parsed, deps, options)
  return settle(state, parsed, lookedUp, { deps, options })
}

function parse(message: JournaledMessage, deps: PipelineDeps, options: PipelineOptions): Parsed {
  const device = deps.device(message.device)
  const channel = channelOf(message)
  if (!device) {
    const output = refuseAll('unknown_device', `a registered device`, message.device)
    return { message, format: '', channel, output, gateway: null }
  }
  const format = formatNamed(channel) ?? formatNamed(device.format)
  if (!format) {
    const output = refuseAll('malformed', 'a format this platform reads', device.format)
    return { message, format: device.format, channel, output, gateway: null }
  }
  const { timezone } = options
  const secretOf = (name: string) => deps.secretOf?.(message.device, name) ?? null
  const gateway = device.gateway ? device : null
  const input = { device, message, channel, timezone, secretOf }
  const output = format.parse(gateway ? { ...input, ...inputOfGateway(gateway, deps) } : input)
  return { message, format: format.name, channel, output: onlyOrigin(output, message), gateway }
}

/** What stands behind the device in a native topic; a foreign topic is its own channel. */
function channelOf({ topic, device }: JournaledMessage): string {
  const prefix = NATIVE_PREFIX.length + device.length + 1
  const native = topic.startsWith(NATIVE_PREFIX) && topic.length > prefix
  return native ? topic.slice(prefix) : topic
}

/** A replay of one element looks at that element alone. */
function onlyOrigin(output: FormatOutput, { origin }: JournaledMessage): FormatOutput {
  if (!origin || origin.item < 0) return output
  return {
    elements: output.elements.filter(({ elementIndex }) => elementIndex === origin.item),
    refused: output.refused.filter(
      ({ elementIndex }) => elementIndex === origin.item || elementIndex < 0,
    ),
  }
}

function refuseAll(reason: RefusedElement['reason'], expected: string, got: string): FormatOutput {
  return { elements: [], refused: [{ elementIndex: -1, reason, path: '', expected, got }] }
}

/** Whose reading a element is: of the sender, or of a device that it carries. */
function ownerOf({ subDevice }: ParsedElement, { device }: JournaledMessage): FullId {
  return subDevice === undefined ? device : fullId(tenantOf(device), subDevice)
}

/** Asks the store about elements older than what the memory holds: one question per batch. */
async function lookUp(
  state: IntakeState,
  parsed: readonly Parsed[],
  deps: PipelineDeps,
  { lookUpAll = false }: PipelineOptions,
): Promise<LookedUpElements> {
  const questions: { readonly identity: Identity; readonly element: ParsedElement }[] = []
  for (const { message, channel, output } of parsed) {
    for (const [index, element] of output.elements.entries()) {
      const { kind, seq, hash } = element
      const device = ownerOf(element, message)
      const memory = state.devices.get(device)?.channels.get(channel)?.memory
      if (!memory && !lookUpAll) continue
      const timeNs = lookupTime(element, message, lookUpAll ? null : memory)
      if (timeNs === null) continue
      const { position } = message
      const identity = { kind, device, channel, seq, timeNs, hash, position, index }
      questions.push({ identity, element })
    }
  }
  if (questions.length === 0) return NOTHING_LOOKED_UP
  const answers = await deps.known(questions.map(({ identity }) => identity))
  return new Map(questions.map(({ element }, at) => [element, answers[at] ?? 'unknown']))
}

/** The time to look an element up at; null when the memory alone can judge it. */
function lookupTime(
  element: ParsedElement,
  { receivedAtNs, origin }: JournaledMessage,
  memory: ChannelMemory | null | undefined,
): bigint | null {
  // Without a time of its own, an element read again is known by its first receive time.
  if (element.timeNs === null) return origin ? receivedAtNs : null
  if (!plausibleTime(element.timeNs, receivedAtNs)) return null
  return !memory || needsLookup(memory, element, element.timeNs) ? element.timeNs : null
}

function settle(
  state: IntakeState,
  parsed: readonly Parsed[],
  lookedUp: LookedUpElements,
  { deps, options }: { readonly deps: PipelineDeps; readonly options: PipelineOptions },
): Outcome {
  const gathered: Gathered = {
    readings: [],
    rejected: [],
    recovered: [],
    moved: new Set(),
    again: [],
    replays: new Map(),
    counts: { stored: 0, duplicate: 0, rejected: 0 },
  }
  state.batch += 1
  const within = { ...options, batch: state.batch }
  for (const one of parsed) {
    const device = touchDevice(state, one.message.device)
    const result = judgeMessage(state, one, lookedUp, within)
    for (const reading of result.readings) gathered.readings.push(reading)
    if (one.message.origin) settleReplay(one, result, { state, deps, gathered })
    else settleMessage(device, one, result, gathered)
  }
  return gathered
}

function judgeMessage(
  state: IntakeState,
  parsed: Parsed,
  lookedUp: LookedUpElements,
  options: PipelineOptions & { readonly batch: number },
): Judged {
  const { message, channel, output } = parsed
  const { elements } = output
  // Nearly every message has one reading and no refusal: arrays are made when there is something in them.
  let readings: Reading[] | null = null
  let refused: RefusedElement[] | null = null
  let duplicates = 0
  let late = false
  const sender = touchDevice(state, message.device)
  for (let index = 0; index < elements.length; index += 1) {
    const element = elements[index]
    if (!element) continue
    const id = ownerOf(element, message)
    const device = id === message.device ? sender : touchDevice(state, id)
    const known = touchChannel(device, channel)
    beginBatch(known.memory, options.batch)
    const tooOld = ageRefusal(element, message, options)
    if (tooOld) {
      refused ??= [...output.refused]
      refused.push(tooOld)
      continue
    }
    // Only the first stored reading of a message carries its bytes: sums count it once.
    const bytes = readings === null ? message.payload.length : 0
    const looked = lookedUp === NOTHING_LOOKED_UP ? undefined : lookedUp.get(element)
    const reading = judgeElement({
      id,
      device,
      known,
      parsed,
      element,
      looked,
      index,
      bytes,
      options,
    })
    if (reading === null) duplicates += 1
    else {
      if (readings === null) readings = [reading]
      else readings.push(reading)
      if ((reading.flags & FLAGS.late) !== 0) late = true
      keepLast(device, reading)
    }
  }
  return { readings: readings ?? [], refused: refused ?? output.refused, duplicates, late }
}

function ageRefusal(
  { elementIndex, kind, timeNs, timePath, subDevice }: ParsedElement,
  message: JournaledMessage,
  { maxAgeNs }: PipelineOptions,
): RefusedElement | null {
  if (timeNs === null || !plausibleTime(timeNs, message.receivedAtNs)) return null
  const limitNs = maxAgeNs[KINDS[kind].retention]
  if (message.receivedAtNs - timeNs <= limitNs) return null
  const path = timePath ?? (elementIndex < 0 ? 'ts' : `[${elementIndex}].ts`)
  const expected = `a time within the retention of ${kind} (${limitNs / 86_400_000_000_000n} days)`
  const got = Temporal.Instant.fromEpochNanoseconds(timeNs).toString()
  const whose = subDevice === undefined ? {} : { subDevice }
  return { elementIndex, reason: 'too_old', path, expected, got, ...whose }
}

interface ElementContext {
  readonly id: FullId
  readonly device: DeviceState
  readonly known: ChannelState
  readonly parsed: Parsed
  readonly element: ParsedElement
  readonly looked: LookedUp | undefined
  readonly index: number
  readonly bytes: number
  readonly options: PipelineOptions
}

/** Clock, duplicate, lateness and latency of one element; null when it is a duplicate. */
function judgeElement({
  id,
  device,
  known,
  parsed,
  element,
  looked,
  index,
  bytes,
  options,
}: ElementContext): Reading | null {
  const { message, channel } = parsed
  const { receivedAtNs, position } = message
  const claimed = element.timeNs
  const usable = claimed !== null && plausibleTime(claimed, receivedAtNs)
  const verdict = verdictOf(known, element, message, looked)
  if (verdict === 'duplicate') return null
  const timeNs = usable ? claimed : receivedAtNs
  let flags = element.flags | verdictFlags(verdict)
  if (claimed !== null && !usable) flags |= FLAGS.clock_invalid
  if (receivedAtNs - timeNs > options.lateNs) flags |= FLAGS.late
  if (message.retain || message.will || message.origin) flags |= FLAGS.not_live
  if (sequenceReused(known, element, usable ? claimed : null)) flags |= FLAGS.sequence_reused
  if (element.seq !== null) {
    known.loss = addLossSample(known.loss, element.seq, (flags & FLAGS.not_live) === 0)
  }
  const uplink = usable ? uplinkOf(device, claimed, receivedAtNs) : null
  return {
    device: id,
    tenant: tenantOf(id),
    kind: element.kind,
    channel,
    seq: element.seq,
    timeNs,
    claimedTimeNs: usable ? null : claimed,
    receivedAtNs,
    position,
    index,
    hash: element.hash,
    flags,
    fields: element.fields,
    radio: element.radio,
    bytes,
    uplinkMs: uplink?.ms ?? null,
    clockBoundMs: uplink?.boundMs ?? null,
  }
}

function verdictOf(
  known: ChannelState,
  element: ParsedElement,
  message: JournaledMessage,
  lookedUp: LookedUp | undefined,
): Verdict {
  const { receivedAtNs, dup } = message
  if (element.timeNs === null && lookedUp === 'same') return 'duplicate'
  if (element.timeNs === null)
    return judgeUntimed(known.memory, element, { atNs: receivedAtNs, dup })
  if (!plausibleTime(element.timeNs, receivedAtNs)) {
    return judgeInvalidClock(known.memory, element, element.timeNs)
  }
  return judgeTimed(known.memory, element, element.timeNs, lookedUp)
}

function verdictFlags(verdict: Verdict): number {
  return verdict === 'other_content' || verdict === 'same_time' ? FLAGS.duplicate_time : 0
}

/** A sequence number at or below the highest one, on a reading that is newer than all before. */
function sequenceReused(
  known: ChannelState,
  { seq }: ParsedElement,
  timeNs: bigint | null,
): boolean {
  if (seq === null) return false
  const reused = seq <= known.maxSeq && (timeNs === null || timeNs === known.memory.maxTimeNs)
  if (seq > known.maxSeq) known.maxSeq = seq
  return reused
}

function uplinkOf(
  device: DeviceState,
  deviceNs: bigint,
  receivedAtNs: bigint,
): { readonly ms: number; readonly boundMs: number } | null {
  const clock = offsetAt(device.clock, receivedAtNs)
  if (!clock) return null
  const ms = uplinkMs(receivedAtNs, deviceNs, clock.offsetNs)
  return { ms, boundMs: spanMs(clock.boundNs) }
}
