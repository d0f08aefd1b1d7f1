import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Problem } from '../payload/problem.ts'
import type { AvlRecord } from '../teltonika/avl-record.ts'
import { createByteReader, type ByteReader } from './byte-reader.ts'

/** Widths that differ between the codecs, in bytes. */
interface Layout {
  readonly id: 1 | 2
  /** Of the counts of values. */
  readonly count: 1 | 2
  /** Codec 16 names the origin of the record. */
  readonly hasOrigin: boolean
  /** 8E has values of any length after the others. */
  readonly hasTexts: boolean
}

const LAYOUTS: Readonly<Record<8 | 0x8e | 16, Layout>> = {
  8: { id: 1, count: 1, hasOrigin: false, hasTexts: false },
  0x8e: { id: 2, count: 2, hasOrigin: false, hasTexts: true },
  16: { id: 2, count: 1, hasOrigin: true, hasTexts: false },
}

/** The records of a packet, from its codec id to its second count. */
export function readRecords(
  data: Uint8Array,
  codec: 8 | 0x8e | 16,
): readonly AvlRecord[] | Problem {
  const reader = createByteReader(data)
  reader.unsigned(1)
  const count = reader.unsigned(1)
  const records: AvlRecord[] = []
  for (let elementIndex = 0; elementIndex < count; elementIndex += 1) {
    records.push(readRecord(reader, { data, elementIndex, layout: LAYOUTS[codec] }))
    if (reader.isShort()) return wrong(`${count} records`, `an end in record ${elementIndex + 1}`)
  }
  const again = reader.unsigned(1)
  if (reader.isShort()) return wrong('a second count after the records', 'the end of the data')
  if (again !== count) return wrong(`the count ${count} again after the records`, `${again}`)
  if (reader.left() > 0) return wrong('the second count at the end', `${reader.left()} bytes more`)
  return records
}

const NS_PER_MS = 1_000_000n
/** Later times are clamped to what 64 bits of ns hold; the intake flags them. */
const LAST_MS = 9_223_372_036_854n

/** Coordinates are signed, in 1e-7 degree. */
const PER_DEGREE = 1e7

function readRecord(
  reader: ByteReader,
  {
    data,
    elementIndex,
    layout,
  }: { readonly data: Uint8Array; elementIndex: number; readonly layout: Layout },
): AvlRecord {
  const start = reader.at()
  const ms = reader.unsigned64()
  reader.unsigned(1)
  const lon = reader.signed(4) / PER_DEGREE
  const lat = reader.signed(4) / PER_DEGREE
  const values: Record<string, unknown> = {
    alt: reader.signed(2),
    ang: reader.unsigned(2),
    sat: reader.unsigned(1),
    sp: reader.unsigned(2),
  }
  readValues(reader, layout, values)
  const timeNs = (ms < LAST_MS ? ms : LAST_MS) * NS_PER_MS
  const hash = hashBytes(data.subarray(start, reader.at()))
  return { elementIndex, timeNs, hash, values, position: { lat, lon }, path: [elementIndex] }
}

/** Values of 1, 2, 4 and 8 bytes, each width after its count. */
function readValues(reader: ByteReader, layout: Layout, into: Record<string, unknown>): void {
  reader.unsigned(layout.id)
  if (layout.hasOrigin) reader.unsigned(1)
  reader.unsigned(layout.count)
  for (const width of [1, 2, 4, 8] as const) {
    const count = reader.unsigned(layout.count)
    for (let at = 0; at < count && !reader.isShort(); at += 1) {
      const id = reader.unsigned(layout.id)
      into[id] = width === 8 ? Number(reader.unsigned64()) : reader.unsigned(width)
    }
  }
  if (!layout.hasTexts) return
  const count = reader.unsigned(2)
  for (let at = 0; at < count && !reader.isShort(); at += 1) {
    reader.unsigned(2)
    reader.skip(reader.unsigned(2))
  }
}

function wrong(expected: string, got: string): Problem {
  return { path: [], expected, got }
}
