/** A fault, and the byte where it was found. */
export interface CborFault {
  readonly fault: string
  readonly at: number
}

/** Labels of extensions may hold anything; records themselves are three levels deep. */
const MAX_LEVELS = 16
const BREAK = 0xff
const INDEFINITE = 31
const DECIMAL_FRACTION = 4
const MAX_EXPONENT = 400

/**
 * The part of CBOR (RFC 8949) that SenML uses (RFC 8428, section 6): whole numbers, floats, decimal
 * fractions, texts, bytes, truth values, arrays and maps. Strict: every length is checked against
 * the bytes that are left, no label comes twice, nothing follows. Maps become objects without a
 * prototype, with the labels as names. (Not cborg 6.1.5: it replaces bytes that are no UTF-8, takes
 * a break as the value of a map, has no limit of depth, and its errors name no byte.)
 */
export function decodeCbor(bytes: Uint8Array): { readonly value: unknown } | CborFault {
  const reader: Reader = { bytes, at: 0, fault: null }
  const value = readItem(reader, 0)
  if (reader.fault === null && reader.at < bytes.length) fail(reader, 'more bytes than one item')
  return reader.fault ?? { value }
}

interface Reader {
  readonly bytes: Uint8Array
  at: number
  /** The first fault; after it nothing more is read. */
  fault: CborFault | null
}

function fail(reader: Reader, fault: string): undefined {
  reader.fault ??= { fault, at: reader.at }
  return undefined
}

function readItem(reader: Reader, level: number): unknown {
  if (reader.fault) return undefined
  if (level > MAX_LEVELS) return fail(reader, `more than ${MAX_LEVELS} levels`)
  const head = reader.bytes[reader.at]
  if (head === undefined) return fail(reader, 'the end of the bytes within an item')
  reader.at += 1
  const major = head >> 5
  const info = head & 31
  if (major === 7) return readSimple(reader, info)
  if (info === INDEFINITE) {
    return major === 4 || major === 5
      ? readMany(reader, major, null, level)
      : fail(reader, 'a text or bytes without a length')
  }
  const argument = readArgument(reader, info)
  if (argument === null) return undefined
  if (major === 0) return argument
  if (major === 1) return -1 - argument
  if (major === 2 || major === 3) return readString(reader, major, argument)
  if (major === 6) return readTagged(reader, argument, level)
  return readMany(reader, major, argument, level)
}

/** The number in or after a head: a value, a length or a tag. */
function readArgument(reader: Reader, info: number): number | null {
  if (info < 24) return info
  const length = 2 ** (info - 24)
  const view = info > 27 ? null : viewOf(reader, length)
  if (!view) {
    fail(reader, info > 27 ? 'a reserved length' : 'the end of the bytes within a number')
    return null
  }
  if (length === 1) return view.getUint8(0)
  if (length === 2) return view.getUint16(0)
  return length === 4 ? view.getUint32(0) : Number(view.getBigUint64(0))
}

function viewOf(reader: Reader, length: number): DataView | null {
  const { bytes, at } = reader
  if (length > bytes.length - at) return null
  reader.at += length
  return new DataView(bytes.buffer, bytes.byteOffset + at, length)
}

function readString(reader: Reader, major: 2 | 3, length: number): unknown {
  const { bytes, at } = reader
  if (length > bytes.length - at) return fail(reader, 'a text or bytes longer than what is there')
  reader.at += length
  const part = bytes.subarray(at, at + length)
  if (major === 2) return part
  const text = Buffer.from(part).toString('utf8')
  // Only text that holds the replacement character can have come from bytes that are not UTF-8.
  const isText = !text.includes('\uFFFD') || Buffer.from(text, 'utf8').equals(part)
  return isText ? text : fail(reader, 'a text that is not UTF-8')
}

/** An array or a map; `count` is null where a break ends it. */
function readMany(reader: Reader, major: number, count: number | null, level: number): unknown {
  const items: unknown[] = []
  const wanted = count === null ? Infinity : count * (major === 5 ? 2 : 1)
  while (items.length < wanted && reader.fault === null) {
    if (count === null && reader.bytes[reader.at] === BREAK) {
      reader.at += 1
      break
    }
    items.push(readItem(reader, level + 1))
  }
  return major === 5 ? mapOf(reader, items) : items
}

function mapOf(reader: Reader, items: readonly unknown[]): unknown {
  const map: Record<string, unknown> = Object.create(null)
  if (items.length % 2 === 1) return fail(reader, 'a label without a value')
  for (let at = 0; at < items.length && reader.fault === null; at += 2) {
    const label = items[at]
    const name = typeof label === 'number' ? nameOf(label) : label
    if (typeof name !== 'string') return fail(reader, 'a label that is neither number nor text')
    if (name in map) return fail(reader, `the label ${JSON.stringify(name.slice(0, 32))} twice`)
    map[name] = items[at + 1]
  }
  return map
}

/** Labels as numbers (RFC 8428, table 6); there will be no others. */
const LABELS: Readonly<Record<number, string>> = {
  [-1]: 'bver',
  [-2]: 'bn',
  [-3]: 'bt',
  [-4]: 'bu',
  [-5]: 'bv',
  [-6]: 'bs',
  0: 'n',
  1: 'u',
  2: 'v',
  3: 'vs',
  4: 'vb',
  5: 's',
  6: 't',
  7: 'ut',
  8: 'vd',
}

function nameOf(label: number): string {
  return LABELS[label] ?? `#${label}`
}

function readTagged(reader: Reader, tag: number, level: number): unknown {
  if (tag !== DECIMAL_FRACTION) return fail(reader, `tag ${tag}`)
  const pair = readItem(reader, level + 1)
  const [exponent, mantissa] = Array.isArray(pair) && pair.length === 2 ? (pair as unknown[]) : []
  if (!Number.isInteger(exponent) || !Number.isInteger(mantissa)) {
    return fail(reader, 'a decimal fraction that is no pair of whole numbers')
  }
  const power = Number(exponent)
  if (Math.abs(power) > MAX_EXPONENT) return fail(reader, 'a decimal fraction out of bounds')
  // As text, so that 2731 x 10^-2 is 27.31 and not the product of two rounded numbers.
  return Number(`${String(mantissa)}e${power}`)
}

function readSimple(reader: Reader, info: number): unknown {
  if (info === 20 || info === 21) return info === 21
  if (info === 22) return null
  if (info < 25 || info > 27) return fail(reader, 'a value that SenML does not have')
  const view = viewOf(reader, 2 ** (info - 24))
  if (!view) return fail(reader, 'the end of the bytes within a number')
  if (info === 25) return view.getFloat16(0)
  return info === 26 ? view.getFloat32(0) : view.getFloat64(0)
}
