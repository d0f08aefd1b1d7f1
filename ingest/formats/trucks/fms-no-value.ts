/** How a J1939 signal is sent on the vehicle's bus: its width, and what one step of it is. */
interface Signal {
  readonly bytes: 1 | 2 | 4
  readonly step: number
  readonly offset?: number
  /** Whether the raw number cannot be a value: 65 200 kg is a weight, 65 200 rpm is not. */
  readonly rawToo: boolean
}

/** Signals by the field they become, in its unit (SAE J1939-71, docs/domain.md 2.3). */
const SIGNALS: Readonly<Record<string, readonly Signal[]>> = {
  speedKmh: [{ bytes: 2, step: 1 / 256, rawToo: true }],
  engineRpm: [{ bytes: 2, step: 0.125, rawToo: true }],
  fuelPct: [{ bytes: 1, step: 0.4, rawToo: true }],
  adBluePct: [{ bytes: 1, step: 0.4, rawToo: true }],
  socPct: [{ bytes: 1, step: 0.4, rawToo: true }],
  odometerM: [
    { bytes: 4, step: 5, rawToo: true },
    { bytes: 4, step: 125, rawToo: false },
  ],
  engineHoursH: [{ bytes: 4, step: 0.05, rawToo: true }],
  // SPN 5054 counts in ml, the older SPN 250 in half litres.
  fuelUsedL: [
    { bytes: 4, step: 0.001, rawToo: false },
    { bytes: 4, step: 0.5, rawToo: false },
  ],
  ambientC: [{ bytes: 2, step: 0.03125, offset: -273, rawToo: true }],
  gcwKg: [{ bytes: 2, step: 10, rawToo: false }],
}

/**
 * Whether a value is a scaled "not available" (raw 0xFF..) or "error" (0xFE..), from a converter
 * that does not treat them apart: 655 350 kg, 255.99 km/h, 65535. Also -1, which is a value of a
 * temperature only.
 */
export function isFmsNoValue(field: string, value: number): boolean {
  const signals = SIGNALS[field]
  if (!signals) return false
  if (value === -1 && field !== 'ambientC') return true
  return signals.some(({ bytes, step, offset = 0, rawToo }) => {
    if (isErrorCode((value - offset) / step, bytes)) return true
    return rawToo && isErrorCode(value, bytes)
  })
}

function isErrorCode(raw: number, bytes: number): boolean {
  const end = 256 ** bytes
  // Half a step, since the division is not exact.
  return raw > (end / 256) * 0xfe - 0.5 && raw < end - 0.5
}
