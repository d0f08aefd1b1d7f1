import type { Radio } from '#lib/telemetry/radio.ts'

/** `238-01` from a country and a network code; null where they are not valid (ITU-T E.212). */
export function operatorOf(country: number | null, network: number | null): string | null {
  if (country === null || !Number.isInteger(country) || country < 200 || country > 799) return null
  if (network === null || !Number.isInteger(network) || network < 0 || network > 999) return null
  // Only North America writes three digits; as a number the code has lost its zeros.
  const digits = country >= 300 && country < 400 ? 3 : 2
  return `${country}-${String(network).padStart(digits, '0')}`
}

const MAX_ECI = 2 ** 28 - 1

/** An LTE cell identity of 28 bits (3GPP TS 36.413) as text; null where it is not valid. */
function lteCellOf(eci: number | null): string | null {
  if (eci === null || !Number.isInteger(eci) || eci <= 0 || eci >= MAX_ECI) return null
  return eci.toString(16).toUpperCase()
}

/** The radio part of a reading; null when nothing of it is known. */
export function radioFrom(parts: {
  readonly isLte: boolean
  readonly cell: number | null
  readonly operator: string | null
}): Radio | null {
  const cellId = parts.isLte ? lteCellOf(parts.cell) : null
  if (!parts.isLte && parts.operator === null) return null
  return {
    ...(parts.isLte ? { rat: 'lte' as const } : {}),
    ...(cellId === null ? {} : { cellId }),
    ...(parts.operator === null ? {} : { operator: parts.operator }),
  }
}
