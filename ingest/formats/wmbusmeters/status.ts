import {
  infoCodeWords,
  statusOfText,
  UNKNOWN_STATUS,
  type MeterStatus,
} from '../meters/meter-status.ts'

/** The names of a meter's status in the drivers, the usual one first. */
const STATUS_NAMES = [
  'status',
  'current_status',
  'info_codes',
  'infocodes',
  'info_code',
  'error_flags',
]

export function statusOf(telegram: Readonly<Record<string, unknown>>): MeterStatus {
  for (const name of STATUS_NAMES) {
    const value = telegram[name]
    const text = typeof value === 'number' ? textOfCode(value, telegram['meter']) : value
    const status = typeof text === 'string' ? statusOfText(text) : UNKNOWN_STATUS
    if (status.text !== null) return status
  }
  return UNKNOWN_STATUS
}

const KAMSTRUP = /^(kam|multical)/i

function textOfCode(code: number, meter: unknown): string {
  if (code === 0) return 'OK'
  const isKamstrup = typeof meter === 'string' && KAMSTRUP.test(meter)
  if (!isKamstrup || !Number.isInteger(code) || code < 0 || code > 0xffff) {
    return `INFO_CODE_${code}`
  }
  return infoCodeWords(code, 16)
}
