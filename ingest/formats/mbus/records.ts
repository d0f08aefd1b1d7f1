import { hexOf, type TelegramProblem } from './problem.ts'

/** One data record of a telegram (EN 13757-3). */
export interface MbusRecord {
  /** The current value: neither a maximum, minimum or error value, nor a stored one. */
  readonly isCurrent: boolean
  readonly tariff: number
  readonly subunit: number
  /** VIF and VIFEs without their extension bits, including those that choose another table. */
  readonly vib: readonly number[]
  readonly coding: number
  readonly data: Uint8Array
}

const EXTENSION = 0x80
const FILLER = 0x2f
/** All bytes after it are for the manufacturer; 1F says that another telegram follows. */
const OF_MANUFACTURER: ReadonlySet<number> = new Set([0x0f, 0x1f])
const GLOBAL_READOUT = 0x7f
const MAX_EXTENSIONS = 10
const PLAIN_TEXT_VIF = 0x7c

/** Bytes of data by the low half of the DIF; D states its own length, F has no data. */
const LENGTHS = [0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, -1, 6, 0]

/** All records, or the problem of the first that cannot be read. */
export function mbusRecords(data: Uint8Array): readonly MbusRecord[] | TelegramProblem {
  const records: MbusRecord[] = []
  let at = 0
  while (at < data.length) {
    const dif = data[at] ?? 0
    if (dif === FILLER) {
      at += 1
      continue
    }
    if (OF_MANUFACTURER.has(dif) || dif === GLOBAL_READOUT) break
    const found = recordAt(data, at)
    if (typeof found === 'string') return problem(records.length, dif, found)
    records.push(found.record)
    at = found.end
  }
  return records
}

/** DIFs and VIFs alone, with the number of data bytes after each; null where they are not valid. */
export function recordHeads(
  codes: Uint8Array,
): readonly { readonly head: Uint8Array; readonly bytes: number }[] | null {
  const heads: { head: Uint8Array; bytes: number }[] = []
  let at = 0
  while (at < codes.length) {
    const scope = scopeOf(codes, at)
    const vib = scope && vibAt(codes, scope.end)
    const bytes = LENGTHS[(codes[at] ?? 0) & 0x0f] ?? -1
    if (!vib || vib.end > codes.length || bytes < 0) return null
    heads.push({ head: codes.subarray(at, vib.end), bytes })
    at = vib.end
  }
  return heads
}

/** A record and the index after it, or the part that is missing. */
function recordAt(data: Uint8Array, start: number) {
  const dif = data[start] ?? 0
  const coding = dif & 0x0f
  if (coding === 0x0f) return 'a reserved DIF'
  const scope = scopeOf(data, start)
  if (!scope) return 'no end of its DIFEs'
  const vib = vibAt(data, scope.end)
  if (!vib) return 'no end of its VIFEs'
  const length = lengthAt(data, vib.end, coding)
  if (!length) return 'a reserved length'
  const end = length.start + length.bytes
  if (end > data.length) {
    return `${Math.max(0, data.length - length.start)} of its ${length.bytes} bytes`
  }
  const record: MbusRecord = {
    isCurrent: scope.isCurrent,
    tariff: scope.tariff,
    subunit: scope.subunit,
    vib: vib.codes,
    coding: length.isNumber ? coding : 0,
    data: data.subarray(length.start, end),
  }
  return { record, end }
}

/** Function and storage number of the DIF, with the DIFEs. */
function scopeOf(data: Uint8Array, start: number) {
  let byte = data[start] ?? 0
  let isCurrent = (byte & 0x70) === 0
  let tariff = 0
  let subunit = 0
  let at = start + 1
  for (let count = 0; byte & EXTENSION; count += 1) {
    if (count === MAX_EXTENSIONS || at >= data.length) return null
    byte = data[at] ?? 0
    at += 1
    if ((byte & 0x0f) !== 0) isCurrent = false
    tariff += ((byte >> 4) & 3) * 4 ** count
    subunit += ((byte >> 6) & 1) * 2 ** count
  }
  return { isCurrent, tariff, subunit, end: at }
}

function vibAt(data: Uint8Array, start: number) {
  const codes: number[] = []
  let at = start
  let byte = EXTENSION
  while (byte & EXTENSION) {
    if (codes.length > MAX_EXTENSIONS || at >= data.length) return null
    byte = data[at] ?? 0
    at += 1
    codes.push(byte & 0x7f)
    // The unit as text follows such a VIF, its length first.
    if (codes.length === 1 && (byte & 0x7f) === PLAIN_TEXT_VIF) at += 1 + (data[at] ?? 0)
  }
  return { codes, end: at }
}

/** The start and the length of the data; null for a length that the standard reserves. */
function lengthAt(data: Uint8Array, start: number, coding: number) {
  const bytes = LENGTHS[coding] ?? 0
  if (bytes >= 0) return { start, bytes, isNumber: true }
  const lvar = data[start] ?? 0xff
  const text = { start: start + 1, isNumber: false }
  if (lvar < 0xc0) return { ...text, bytes: lvar }
  if (lvar < 0xf0) return { ...text, bytes: lvar & 0x0f }
  if (lvar < 0xf5) return { ...text, bytes: 4 * (lvar - 0xec) }
  if (lvar === 0xf5) return { ...text, bytes: 48 }
  return lvar === 0xf6 ? { ...text, bytes: 64 } : null
}

function problem(index: number, dif: number, got: string): TelegramProblem {
  return {
    reason: 'malformed',
    path: ['records', index],
    expected: 'a whole record: DIF, VIF and data (EN 13757-3)',
    got: `${got}, after DIF ${hexOf(dif)}: cut off, or damaged`,
  }
}
