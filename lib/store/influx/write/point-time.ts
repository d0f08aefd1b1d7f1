import { FLAGS } from '#lib/telemetry/flags.ts'
import type { Reading } from '#lib/telemetry/reading.ts'

export const MS_NS = 1_000_000n
const US_NS = 1_000n

/** What decides the time of a reading within its millisecond. */
export type Placed = Pick<Reading, 'timeNs' | 'seq' | 'hash' | 'readingOrdinal' | 'flags'>

/*
 * InfluxDB makes one point of two that have the same tags and time. A reading therefore has a
 * time in its own millisecond that follows from itself alone: the same reading again is the same
 * point, from whichever journal it comes, and no reading leaves its millisecond, so intervals of
 * whole ms hold what they should. The exact time is a field.
 *
 * A sequence number keeps a thousand readings of one ms (or us) apart for certain. The last three
 * digits under a ms come from the hash, for a device that uses a number again at the same ms.
 */
export function pointTimeNs(reading: Placed): bigint {
  const { timeNs } = reading
  const ms = timeNs - mod(timeNs, MS_NS)
  return ms + mod(timeNs - ms + offsetOf(reading), MS_NS)
}

function offsetOf({ timeNs, seq, hash, readingOrdinal, flags }: Placed): bigint {
  // A number that came before means nothing: the hash decides.
  if ((flags & FLAGS.sequence_reused) !== 0) return mod(hash, MS_NS)
  if (seq === null) return (BigInt(readingOrdinal) % 100n) * 10_000n + mod(hash, 10_000n)
  const number = BigInt(seq) % 1000n
  // Finer times are neighbours of each other: they move by less than a us.
  if (timeNs % MS_NS !== 0n) return number
  return number * US_NS + mod(hash, US_NS)
}

/** First instant of the millisecond of a time. */
export function floorMs(timeNs: bigint): bigint {
  return timeNs - mod(timeNs, MS_NS)
}

/** First instant of a millisecond at or after a time. */
export function ceilMs(timeNs: bigint): bigint {
  return floorMs(timeNs + MS_NS - 1n)
}

function mod(value: bigint, by: bigint): bigint {
  const rest = value % by
  return rest < 0n ? rest + by : rest
}
