import type { Device } from '#lib/registry/registry.ts'
import { NATIVE_PREFIX, parseNativeTopic } from '#lib/telemetry/topics.ts'
import { FORMATS } from '../../formats/catalogue.ts'
import type { ParsedElement, Format } from '../../formats/format.ts'
import type { OtherFormat } from '../judgement.ts'
import type { LastRejected } from '../rejection-groups.ts'
import { excerptOf } from '../wording.ts'

export interface Reading {
  readonly device: Device
  readonly timezone: string
  readonly secretOf: (name: string) => string | null
}

/**
 * Which format reads what the device's own does not: all are tried, the one with most values wins.
 */
export function findOtherFormat(rejected: LastRejected, given: Reading): OtherFormat | null {
  const { device } = given
  const tried = Object.values(FORMATS)
    .filter(({ name }) => name !== rejected.format)
    .map((format) => ({ name: format.name, worth: worthOf(format, rejected, given) }))
  const best = tried.toSorted((a, b) => b.worth - a.worth)[0]
  if (!best || best.worth === 0) return null
  const instead = rejected.format === '' ? device.format : rejected.format
  return { name: best.name, instead, excerpt: excerptOf(rejected.payload) }
}

/** How many values it finds; 0 where it refuses any part. */
function worthOf(format: Format, rejected: LastRejected, given: Reading): number {
  const { topic, payload, receivedAtNs } = rejected
  const { device, timezone, secretOf } = given
  const as = { ...device, format: format.name }
  const { elements, refused } = format.parse({
    device: as,
    message: { ...UNSEEN, device: device.id, topic, payload, receivedAtNs },
    channel: channelOf(topic),
    timezone,
    secretOf,
  })
  return refused.length > 0 ? 0 : valuesOf(elements)
}

/** What no format looks at. */
const UNSEEN = {
  position: 0,
  qos: 1,
  retain: false,
  dup: false,
  will: false,
  receivedMonoNs: 0n,
  origin: null,
} as const

function valuesOf(elements: readonly ParsedElement[]): number {
  return elements.reduce((sum, { fields }) => sum + Object.keys(fields).length, 0)
}

function channelOf(topic: string): string {
  if (!topic.startsWith(NATIVE_PREFIX)) return topic
  return parseNativeTopic(topic)?.channel ?? topic
}
