export interface MeterStatus {
  /** OK, or the names of the errors; null when the payload does not say. */
  readonly text: string | null
  /** The register may stand still although heat flows (docs/domain.md 3.4). */
  readonly isFaulty: boolean
}

export const UNKNOWN_STATUS: MeterStatus = { text: null, isFaulty: false }

/** Status words that leave the values valid: the supply is weak, but the meter counts. */
const HARMLESS = new Set(['OK', 'POWER_LOW', 'LOW_BATTERY', 'BATTERY_LOW', 'METER_CLOCK_NOT_SET'])

const MAX_LENGTH = 256

/** The status that a text of status words gives; unknown where it is blank. */
export function statusOfText(given: string): MeterStatus {
  const text = given.trim().slice(0, MAX_LENGTH)
  if (text === '') return UNKNOWN_STATUS
  return { text, isFaulty: !text.split(/\s+/).every((word) => HARMLESS.has(word)) }
}

/** Bits of the info code of Kamstrup meters (docs/domain.md 3.4; 16, 22: MULTICAL 603). */
const KAMSTRUP_BITS: Readonly<Record<number, string>> = {
  0: 'VOLTAGE_INTERRUPTED',
  1: 'LOW_BATTERY',
  2: 'SENSOR_ERROR',
  3: 'SENSOR_T1_ABOVE_MEASURING_RANGE',
  4: 'SENSOR_T2_ABOVE_MEASURING_RANGE',
  5: 'SENSOR_T1_BELOW_MEASURING_RANGE',
  6: 'SENSOR_T2_BELOW_MEASURING_RANGE',
  7: 'WRONG_TEMPERATURE_DIFFERENCE',
  8: 'WEAK_FLOW_OR_AIR',
  9: 'WRONG_FLOW_DIRECTION',
  11: 'FLOW_TOO_HIGH',
  12: 'LEAK',
  16: 'V1_COMMUNICATION_ERROR',
  22: 'V2_COMMUNICATION_ERROR',
}

/** The status words of an info code; a bit without a name is given by its number. */
export function infoCodeWords(code: number, bits: 16 | 32): string {
  if (code === 0) return 'OK'
  const words: string[] = []
  for (let bit = 0; bit < bits; bit += 1) {
    if (Math.floor(code / 2 ** bit) % 2 === 1) words.push(KAMSTRUP_BITS[bit] ?? `UNKNOWN_${bit}`)
  }
  return words.join(' ')
}
