import type { FieldValue } from '#lib/telemetry/field.ts'

/**
 * The fields that a satellite receiver measures; the number of satellites is valid without a fix.
 */
const OF_A_FIX = ['lat', 'lon', 'altM', 'headingDeg', 'speedKmh', 'hdop'] as const

/**
 * The values that remain when the receiver has no fix. It then repeats the last position or sends
 * 0, 0, with a speed and a heading of zero that were not measured.
 */
export function withoutFix(
  values: Readonly<Record<string, FieldValue>>,
): Record<string, FieldValue> {
  const rest = { ...values }
  for (const name of OF_A_FIX) delete rest[name]
  return rest
}
