const DECIMAL = /^[+-]?\d{1,20}(?:\.\d{1,20})?$/

/** A finite number, also as the decimal text that trackers send; null for anything else. */
export function readNumber(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value !== 'string') return null
  const text = value.trim()
  return DECIMAL.test(text) ? Number(text) : null
}

/** The number that was meant where a device sends the bits of a signed one as unsigned. */
export function signedOf(value: number, bits: number): number {
  const half = 2 ** (bits - 1)
  return Number.isInteger(value) && value >= half && value < 2 * half ? value - 2 * half : value
}
