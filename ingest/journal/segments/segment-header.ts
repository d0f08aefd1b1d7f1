import { crc32 } from 'node:zlib'
import { createSlab, getUint53, setUint53, slabOf } from './slab.ts'

/**
 * The beginning of a segment; written together with its first group.
 *
 * A header says where the journal went on from: everything of `prevSegment` after `prevEnd`, and
 * every segment between that one and this one, was abandoned after a failed write and does not
 * count. So the segments form a chain that is read from its end.
 */
export interface SegmentHeader {
  readonly journal: string
  readonly segment: number
  readonly firstPosition: number
  readonly firstGroup: number
  /** 0 when there is no segment before. */
  readonly prevSegment: number
  readonly prevEnd: number
  /** Wall clock when the segment was begun: the one before ended about then. */
  readonly createdAtNs: bigint
}

/** Where the first record of a segment begins. */
export const HEADER_BYTES = 96

const MAGIC = 0x3153_4a50
const VERSION = 1
/** Fifteen digits are exact as a number; a name with more is not ours. */
const NAME = /^(0\d{15})\.seg$/

/** A header as read: right, of another journal (or place), of a later release, or none at all. */
export type HeaderRead =
  | { readonly kind: 'valid'; readonly header: SegmentHeader }
  | { readonly kind: 'foreign'; readonly header: SegmentHeader }
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'invalid' }

export function segmentName(segment: number): string {
  return `${String(segment).padStart(16, '0')}.seg`
}

/** Numbers of the segments among the files of a folder, in ascending order. */
export function segmentNumbers(names: readonly string[]): number[] {
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b)
}

/** Seeds the checksums of a segment's records with the journal and the segment they belong to. */
export function seedOf({ secret }: { readonly secret: string }, segment: number): number {
  const { bytes, view } = createSlab(24)
  bytes.set(uuidBytes(secret))
  setUint53(view, 16, segment)
  return crc32(bytes)
}

export function encodeHeader(header: SegmentHeader): Buffer {
  const { bytes, view } = createSlab(HEADER_BYTES)
  bytes.fill(0)
  view.setUint32(0, MAGIC, true)
  view.setUint32(8, VERSION, true)
  bytes.set(uuidBytes(header.journal), 16)
  setUint53(view, 32, header.segment)
  setUint53(view, 40, header.firstPosition)
  setUint53(view, 48, header.firstGroup)
  setUint53(view, 56, header.prevSegment)
  setUint53(view, 64, header.prevEnd)
  view.setBigInt64(72, header.createdAtNs, true)
  view.setUint32(4, crc32(bytes.subarray(8)), true)
  return bytes
}

export function decodeHeader(bytes: Buffer, journal: string, segment: number): HeaderRead {
  if (bytes.length < HEADER_BYTES) return { kind: 'invalid' }
  const { view } = slabOf(bytes)
  const sum = crc32(bytes.subarray(8, HEADER_BYTES))
  const isHeader = view.getUint32(0, true) === MAGIC && view.getUint32(4, true) === sum
  if (!isHeader) return { kind: 'invalid' }
  const version = view.getUint32(8, true)
  if (version !== VERSION) return { kind: 'newer', version }
  const header: SegmentHeader = {
    journal: uuidText(bytes.subarray(16, 32)),
    segment: getUint53(view, 32),
    firstPosition: getUint53(view, 40),
    firstGroup: getUint53(view, 48),
    prevSegment: getUint53(view, 56),
    prevEnd: getUint53(view, 64),
    createdAtNs: view.getBigInt64(72, true),
  }
  const isOurs = header.journal === journal && header.segment === segment
  return { kind: isOurs ? 'valid' : 'foreign', header }
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex')
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}
