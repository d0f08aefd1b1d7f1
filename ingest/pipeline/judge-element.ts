import { offsetAt } from '#lib/kpi/network/clock.ts'
import { spanMs, uplinkMs } from '#lib/kpi/network/latency.ts'
import { addLossSample } from '#lib/kpi/network/loss.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { tenantOf, type FullId } from '#lib/telemetry/ids.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { plausibleTime } from '#lib/telemetry/time.ts'
import { withVisibleTexts } from '#lib/telemetry/visible-text.ts'
import type { Known } from '#lib/store/store.ts'
import type { ParsedElement } from '../formats/format.ts'
import type { ChannelState, DeviceState } from '../state/intake-state.ts'
import { verdictFlags, verdictOf } from './deduplicate.ts'
import type { ParsedMessage } from './parse.ts'

interface ElementContext {
  readonly id: FullId
  readonly device: DeviceState
  readonly channelState: ChannelState
  readonly parsed: ParsedMessage
  readonly element: ParsedElement
  readonly known: Known | undefined
  readonly ordinal: number
  readonly bytes: number
  readonly lateNs: bigint
  /** Older than may be stored, by a clock that is known to be behind. */
  readonly isBehind: boolean
}

/** Clock, duplicate, lateness and latency of one element; null when it is a duplicate. */
export function judgeElement({
  id,
  device,
  channelState,
  parsed,
  element,
  known,
  ordinal,
  bytes,
  lateNs,
  isBehind,
}: ElementContext): Reading | null {
  const { message, channel } = parsed
  const { receivedAtNs, position } = message
  const claimed = element.timeNs
  const usable = claimed !== null && !isBehind && plausibleTime(claimed, receivedAtNs)
  const verdict = verdictOf(channelState.memory, element, message, known)
  if (verdict === 'duplicate') return null
  const timeNs = usable ? claimed : receivedAtNs
  let flags = element.flags | verdictFlags(verdict)
  if (claimed !== null && !usable) flags |= FLAGS.clock_invalid
  if (receivedAtNs - timeNs > lateNs) flags |= FLAGS.late
  if (message.retain || message.will || message.origin) flags |= FLAGS.not_live
  if (sequenceReused(channelState, element, usable ? claimed : null)) flags |= FLAGS.sequence_reused
  if (element.seq !== null) {
    const isLive = (flags & FLAGS.not_live) === 0
    channelState.loss = addLossSample(channelState.loss, element.seq, isLive)
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
    readingOrdinal: ordinal,
    elementIndex: element.elementIndex,
    hash: element.hash,
    flags,
    fields: withVisibleTexts(element.fields),
    radio: element.radio && withVisibleTexts(element.radio),
    bytes,
    uplinkMs: uplink?.ms ?? null,
    clockBoundMs: uplink?.boundMs ?? null,
  }
}

/** A sequence number at or below the highest one, on a reading that is newer than all before. */
function sequenceReused(
  channel: ChannelState,
  { seq }: ParsedElement,
  timeNs: bigint | null,
): boolean {
  if (seq === null) return false
  const reused = seq <= channel.maxSeq && (timeNs === null || timeNs === channel.memory.maxTimeNs)
  if (seq > channel.maxSeq) channel.maxSeq = seq
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
