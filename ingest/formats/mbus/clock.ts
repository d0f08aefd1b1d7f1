const MINUTE_INVALID = 0x80

/**
 * Whether the date and time of a meter (types F and I) is valid: manufacturers send zeros, month 15
 * or the "invalid" bit for a clock that is not set.
 */
export function isClockSet(data: Uint8Array): boolean {
  if (data.length !== 4 && data.length !== 6) return true
  // Type I begins with the seconds.
  const [minute = 0, hour = 0, day = 0, month = 0] = data.subarray(data.length === 6 ? 1 : 0)
  const isDate = (day & 0x1f) >= 1 && (month & 0x0f) >= 1 && (month & 0x0f) <= 12
  const isTime = (minute & 0x3f) < 60 && (hour & 0x1f) < 24
  return isDate && isTime && (minute & MINUTE_INVALID) === 0
}
