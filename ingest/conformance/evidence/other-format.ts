import { NATIVE_PREFIX, parseNativeTopic } from '#lib/telemetry/topics.ts'
import { FORMATS } from '../../formats/catalogue.ts'
import { native } from '../../formats/native.ts'
import type { Format, ParseContext, ParsedElement } from '../../formats/format.ts'
import type { OtherFormat } from '../finding.ts'
import { excerptOf } from '../text.ts'
import type { LastRejected } from './rejection-groups.ts'

/**
 * The format that can read a payload which its own format could not: all are tried, the one with
 * most values wins. What is native is read by the native format alone, although others hand it on.
 */
export function findOtherFormat(rejected: LastRejected, context: ParseContext): OtherFormat | null {
  const { device } = context
  const nativeValues = countValues(native, rejected, context)
  const tried = Object.values(FORMATS)
    .filter(
      (format) => format.name !== rejected.format && (format === native || nativeValues === 0),
    )
    .map((format) => ({ name: format.name, values: countValues(format, rejected, context) }))
  const best = tried.toSorted((a, b) => b.values - a.values)[0]
  if (!best || best.values === 0) return null
  const instead = rejected.format === '' ? device.format : rejected.format
  return { name: best.name, instead, excerpt: excerptOf(rejected.payload) }
}

/** The number of values it finds; 0 where it refuses any part. */
function countValues(format: Format, rejected: LastRejected, context: ParseContext): number {
  const { topic, payload, receivedAtNs } = rejected
  const { device } = context
  const { elements, refused } = format.parse({
    ...context,
    device: { ...device, format: format.name },
    message: { ...UNREAD, device: device.id, topic, payload, receivedAtNs },
    channel: channelOf(topic),
  })
  return refused.length > 0 ? 0 : valuesOf(elements)
}

/** The parts of a message that no format reads. */
const UNREAD = {
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
