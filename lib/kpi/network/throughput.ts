import { compareGrouped, type Grouped } from '#lib/telemetry/grouping.ts'
import { overlap, type Span } from '#lib/telemetry/span.ts'

export interface Volume {
  readonly messages: number
  readonly readings: number
  /** Payload bytes: without MQTT, TCP and IP headers. */
  readonly bytes: number
}

/** What was received, per group and interval. */
export interface CountRow extends Grouped, Volume {}

export interface ThroughputRow extends CountRow {
  readonly messagesPerS: number
  readonly bytesPerS: number
}

/** Rates of a span in intervals; groups without a reading are left out. */
export function throughputRows(
  counts: readonly CountRow[],
  span: Span & { readonly everyNs: bigint | null },
): ThroughputRow[] {
  return counts
    .filter(({ readings }) => readings > 0)
    .map(({ group, timeNs, messages, readings, bytes }) => {
      const volume = { messages, readings, bytes }
      return { group, timeNs, ...volume, ...rates(volume, coveredNs(timeNs, span)) }
    })
    .toSorted(compareGrouped)
}

/** Messages and bytes per second over a length of time above zero. */
export function rates({ messages, bytes }: Volume, lengthNs: bigint) {
  const seconds = Number(lengthNs) / 1e9
  return { messagesPerS: messages / seconds, bytesPerS: bytes / seconds }
}

/** How much of an interval lies within the span: the first and the last may be cut. */
function coveredNs(
  startNs: bigint | null,
  { fromNs, toNs, everyNs }: Span & { readonly everyNs: bigint | null },
): bigint {
  if (startNs === null || everyNs === null) return toNs - fromNs
  const covered = overlap({ fromNs, toNs }, { fromNs: startNs, toNs: startNs + everyNs })
  // An hour that replaces minutes already gone may begin before a finer interval ends.
  return covered.toNs > covered.fromNs ? covered.toNs - covered.fromNs : everyNs
}
