import {
  infoCodeWords,
  statusOfText,
  UNKNOWN_STATUS,
  type MeterStatus,
} from '../meters/meter-status.ts'

/** The two lowest bits of the status byte are one number (EN 13757-7). */
const APPLICATION = ['', 'BUSY', 'ERROR', 'ALARM']
const BITS: Readonly<Record<number, string>> = {
  2: 'POWER_LOW',
  3: 'PERMANENT_ERROR',
  4: 'TEMPORARY_ERROR',
}

/** The state of a meter in the header and the records of its telegram. */
export interface StatedStatus {
  readonly status: number | null
  /** Error flags of any manufacturer (VIF FD 17). */
  readonly errorFlags: number | null
  /** Info code of Kamstrup. */
  readonly infoCode: number | null
  /** The current date of the meter is not valid. */
  readonly isClockUnset: boolean
  /** A register shows an error instead of digits. */
  readonly hasErrorDisplay: boolean
}

export function mbusStatus(stated: StatedStatus): MeterStatus {
  const { status, errorFlags, infoCode, isClockUnset, hasErrorDisplay } = stated
  const words = status === null ? [] : statusWords(status)
  if (errorFlags !== null && errorFlags !== 0) {
    words.push(`ERROR_FLAGS_${BigInt.asUintN(64, BigInt(errorFlags)).toString(16).toUpperCase()}`)
  }
  if (infoCode !== null && infoCode !== 0) words.push(infoCodeWords(infoCode, 32))
  if (hasErrorDisplay) words.push('ERROR_DISPLAY')
  if (isClockUnset) words.push('METER_CLOCK_NOT_SET')
  if (words.length > 0) return statusOfText(words.join(' '))
  const isStated = status !== null || errorFlags !== null || infoCode !== null
  return isStated ? statusOfText('OK') : UNKNOWN_STATUS
}

/**
 * Bits 5 to 7 belong to the manufacturer: given by their value, since only the manufacturer knows
 * them.
 */
function statusWords(status: number): string[] {
  const words = [APPLICATION[status & 3] ?? '']
  for (const [bit, word] of Object.entries(BITS)) {
    if ((status & (1 << Number(bit))) !== 0) words.push(word)
  }
  const manufacturerBits = status & 0xe0
  if (manufacturerBits !== 0) words.push(`UNKNOWN_${manufacturerBits.toString(16).toUpperCase()}`)
  return words.filter((word) => word !== '')
}
