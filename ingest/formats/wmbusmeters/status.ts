/** Names under which drivers report the state of a meter, the usual one first. */
const STATUS_NAMES = [
  'status',
  'current_status',
  'info_codes',
  'infocodes',
  'info_code',
  'error_flags',
]

/** Words that say nothing against the values: the supply is weak, but the meter counts. */
const HARMLESS = new Set(['OK', 'POWER_LOW', 'LOW_BATTERY', 'BATTERY_LOW'])

const LONGEST = 256

export interface MeterStatus {
  /** OK, or the names of the errors; null when the telegram does not say. */
  readonly text: string | null
  /** The register may stand still although heat flows (domain.md 3.4). */
  readonly isFaulty: boolean
}

const UNTOLD: MeterStatus = { text: null, isFaulty: false }

export function statusOf(telegram: Readonly<Record<string, unknown>>): MeterStatus {
  for (const name of STATUS_NAMES) {
    const value = telegram[name]
    const text = typeof value === 'number' ? wordsOf(value, telegram['meter']) : value
    if (typeof text !== 'string' || text.trim() === '') continue
    const shown = text.trim().slice(0, LONGEST)
    return { text: shown, isFaulty: !shown.split(/\s+/).every((word) => HARMLESS.has(word)) }
  }
  return UNTOLD
}

/** Bits of the info code of Kamstrup meters (domain.md 3.4), in the words of their status. */
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
}

const KAMSTRUP = /^(kam|multical)/i

function wordsOf(code: number, meter: unknown): string {
  if (code === 0) return 'OK'
  const isKamstrup = typeof meter === 'string' && KAMSTRUP.test(meter)
  if (!isKamstrup || !Number.isInteger(code) || code < 0 || code > 0xffff) {
    return `INFO_CODE_${code}`
  }
  const words: string[] = []
  for (let bit = 0; bit < 16; bit += 1) {
    if ((code & (1 << bit)) !== 0) words.push(KAMSTRUP_BITS[bit] ?? `UNKNOWN_${bit}`)
  }
  return words.join(' ')
}
