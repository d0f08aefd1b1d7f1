/**
 * Whether a number is the "no value" of M-Bus: the lowest 16 or 32 bit integer, as it is or scaled
 * to the unit of the telegram, by a power of ten and, where the meter counts in joule, by 3.6
 * (docs/domain.md 3.4: -910.222222 kWh is -32768 x 0.1 MJ). Checked before any unit is converted.
 */
export function isMbusNoValue(value: number): boolean {
  if (!(value < 0)) return false
  for (const sentinel of SENTINELS) {
    // wmbusmeters prints six decimals.
    if (Math.abs(value + sentinel) <= Math.max(PRINTED_ERROR, sentinel * 1e-9)) return true
  }
  return false
}

const PRINTED_ERROR = 5.1e-7

const RAW = [32_768, 2_147_483_648]

/** At smaller scales too few digits of 32768 are printed to tell it from a real value. */
const EXPONENTS = [-3, -2, -1, 0, 1, 2, 3]

const SENTINELS = RAW.flatMap((raw) =>
  EXPONENTS.map((exponent) => raw * 10 ** exponent).flatMap((scaled) => [scaled, scaled / 3.6]),
)
