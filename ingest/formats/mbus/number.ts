/** The number in the data field of a record (EN 13757-3, annex A). */
export interface MbusNumber {
  /** Null where the meter has no value. */
  readonly value: number | null
  /** The digits are those of an error display, not of a number. */
  readonly isError: boolean
}

const NONE: MbusNumber = { value: null, isError: false }
const ERROR: MbusNumber = { value: null, isError: true }
const FLOAT = 5

/**
 * Low half of a DIF for numbers as binary coded decimals; the others are integers, or one float.
 */
const BCD: ReadonlySet<number> = new Set([0x9, 0xa, 0xb, 0xc, 0xe])
const NUMBERS: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7, ...BCD])

export function mbusNumber(coding: number, data: Uint8Array): MbusNumber {
  if (!NUMBERS.has(coding) || data.length === 0) return NONE
  if (BCD.has(coding)) return decimal(data)
  return coding === FLOAT ? float(data) : integer(data)
}

/** Two's complement, lowest byte first; the lowest value of each length means "no value". */
function integer(data: Uint8Array): MbusNumber {
  let bits = 0n
  for (const byte of data.toReversed()) bits = (bits << 8n) | BigInt(byte)
  const value = BigInt.asIntN(data.length * 8, bits)
  const lowest = -(1n << BigInt(data.length * 8 - 1))
  return value === lowest ? NONE : { value: Number(value), isError: false }
}

function float(data: Uint8Array): MbusNumber {
  const value = new DataView(data.buffer, data.byteOffset, data.length).getFloat32(0, true)
  return Number.isFinite(value) ? { value, isError: false } : NONE
}

/**
 * The highest digit F is a minus sign; F everywhere is no value, other letters an error display.
 */
function decimal(data: Uint8Array): MbusNumber {
  const digits = Buffer.from(data.toReversed()).toString('hex')
  if (/^f+$/.test(digits)) return NONE
  const isNegative = digits.startsWith('f')
  const plain = isNegative ? digits.slice(1) : digits
  if (!/^\d+$/.test(plain)) return ERROR
  return { value: isNegative ? -Number(plain) : Number(plain), isError: false }
}
