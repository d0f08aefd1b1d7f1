/** Quality flags of a reading: one bit each, so that a store keeps them in one small number. */
export const FLAGS = {
  clock_invalid: 1,
  implausible_jump: 2,
  out_of_range: 4,
  late: 8,
  duplicate_time: 16,
  sequence_reused: 32,
  sensor_error: 64,
  identity_mismatch: 128,
  /** Retained, will or replayed: never counted for latency (docs/domain.md 5.3). */
  not_live: 256,
} as const

export type Flag = keyof typeof FLAGS

const NAMES = Object.keys(FLAGS) as Flag[]

/**
 * The names of the bits set, in the order of the table. `not_live` is internal and is not shown.
 */
export function flagNames(bits: number): Flag[] {
  if (bits === 0) return []
  return NAMES.filter((name) => name !== 'not_live' && (bits & FLAGS[name]) !== 0)
}
