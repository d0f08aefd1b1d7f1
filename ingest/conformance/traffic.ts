import { flagNames, type Flag } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { ParsedElement } from '../formats/format.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { MINUTE_NS } from '#lib/telemetry/time-grid.ts'

/** Counters of a device's use of MQTT: plain values, saved as they are. */
export interface Traffic {
  messages: number
  qos: [number, number, number]
  /** With the retain flag, and readings in them. */
  retained: number
  redelivered: number
  wills: number
  bytes: number
  maxBytes: number
  firstNs: bigint | null
  lastNs: bigint | null
  /** The format that read the last message, and its topic. */
  format: string
  topic: string
  /** End of the current minute, its messages, and those of the minutes before, the latest first. */
  minuteEndNs: bigint
  minute: number
  earlier: readonly number[]
  /** Readings with each quality flag. */
  flags: Partial<Record<Flag, number>>
  /** Readings with each name that their kind does not have, by its path. */
  unknownFields: Record<string, number>
}

/** Unknown names that are remembered of a device, and their length. */
export const MAX_UNKNOWN_FIELDS = 32
const MAX_NAME_LENGTH = 64

/** Whole minutes remembered beside the current one. */
const EARLIER_MINUTES = 4

export function createTraffic(): Traffic {
  return {
    messages: 0,
    qos: [0, 0, 0],
    retained: 0,
    redelivered: 0,
    wills: 0,
    bytes: 0,
    maxBytes: 0,
    firstNs: null,
    lastNs: null,
    format: '',
    topic: '',
    minuteEndNs: 0n,
    minute: 0,
    earlier: [],
    flags: {},
    unknownFields: {},
  }
}

/** Runs for every message: a few additions, and arithmetic on times only once a minute. */
export function countTraffic(
  traffic: Traffic,
  message: JournaledMessage,
  format: string,
  readings: readonly Reading[],
): void {
  const { receivedAtNs, payload } = message
  traffic.messages += 1
  traffic.qos[message.qos] += 1
  // A retained status is normal: it holds no reading.
  if (message.retain && readings.length > 0) traffic.retained += 1
  if (message.dup) traffic.redelivered += 1
  if (message.will) traffic.wills += 1
  traffic.bytes += payload.length
  if (payload.length > traffic.maxBytes) traffic.maxBytes = payload.length
  traffic.firstNs ??= receivedAtNs
  traffic.lastNs = receivedAtNs
  traffic.format = format
  traffic.topic = message.topic
  if (receivedAtNs >= traffic.minuteEndNs) turnMinute(traffic, receivedAtNs)
  traffic.minute += 1
  for (const { flags } of readings) if (flags !== 0) countFlags(traffic, flags)
}

function countFlags({ flags }: Traffic, bits: number): void {
  for (const name of flagNames(bits)) flags[name] = (flags[name] ?? 0) + 1
}

/** The unknown names of a message: rare, so its elements are looked at again. */
export function countUnknownFields(
  { unknownFields: known }: Traffic,
  elements: readonly ParsedElement[],
): void {
  for (const { unknownFields } of elements) {
    for (const path of unknownFields ?? []) {
      const name = path.slice(0, MAX_NAME_LENGTH)
      const isKnown = Object.hasOwn(known, name)
      if (!isKnown && Object.keys(known).length >= MAX_UNKNOWN_FIELDS) continue
      known[name] = (isKnown ? (known[name] ?? 0) : 0) + 1
    }
  }
}

function turnMinute(traffic: Traffic, atNs: bigint): void {
  const endNs = (atNs / MINUTE_NS + 1n) * MINUTE_NS
  const passed = Number((endNs - traffic.minuteEndNs) / MINUTE_NS)
  const quiet = Array.from({ length: Math.min(passed - 1, EARLIER_MINUTES) }, () => 0)
  traffic.earlier = [...quiet, traffic.minute, ...traffic.earlier].slice(0, EARLIER_MINUTES)
  traffic.minute = 0
  traffic.minuteEndNs = endNs
}

export interface Rate {
  readonly messages: number
  readonly spanS: number
  readonly messagesPerS: number
}

/** Messages of the last minutes up to now; of a device that has only begun, since its first. */
export function rateAt(traffic: Traffic, nowNs: bigint): Rate | null {
  const { firstNs, minuteEndNs, minute, earlier } = traffic
  if (firstNs === null) return null
  const endNs = (nowNs / MINUTE_NS + 1n) * MINUTE_NS
  const oldestNs = endNs - BigInt(EARLIER_MINUTES + 1) * MINUTE_NS
  const counted = [minute, ...earlier].filter(
    (_count, at) => minuteEndNs - BigInt(at) * MINUTE_NS > oldestNs,
  )
  const messages = counted.reduce((sum, count) => sum + count, 0)
  const fromNs = firstNs > oldestNs ? firstNs : oldestNs
  const spanS = Math.max(1, Number(nowNs - fromNs) / 1e9)
  return { messages, spanS, messagesPerS: messages / spanS }
}
