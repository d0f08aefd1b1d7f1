/* Written for speed: records are made and read in place, without an object per field. */

import { crc32 } from 'node:zlib'
import type { IncomingMessage, JournaledMessage, Origin, Qos } from '#lib/telemetry/message.ts'
import { getUint53, setUint53, type Slab } from './segments/slab.ts'

/**
 * One message on disk: a fixed head, the device, the topic and the payload, padded to 8 bytes.
 * Little endian throughout.
 *
 *      0 magic        16 position       32 received, wall ns    48 bytes of device (16 bits)
 *      4 CRC-32       24 group          40 received, mono ns    50 bytes of topic (16 bits)
 *      8 length                                                 52 bytes of payload
 *     12 flags                                                  56 origin (replays), texts, payload
 *
 * The checksum covers everything after itself, and through its seed the journal and the segment: a
 * record of another segment, or of another journal, is never valid here.
 */
const MAGIC = 0x3152_4a50
const MAGIC_BYTES = Buffer.from('PJR1', 'latin1')
const HEAD_BYTES = 56
const ORIGIN_BYTES = 16
const MAX_TEXT_BYTES = 0xffff
const CHECKED_FROM = 8

const QOS = 0b11
const RETAIN = 1 << 2
const DUP = 1 << 3
const WILL = 1 << 4
const REPLAY = 1 << 5
const LAST_OF_GROUP = 1 << 6

/** Bytes that are enough for the record, whatever the length of its texts in UTF-8. */
export function roomFor({ device, topic, payload }: IncomingMessage): number {
  return HEAD_BYTES + ORIGIN_BYTES + 3 * (device.length + topic.length) + payload.byteLength + 8
}

/** Writes a record, still without group and checksum; returns its length. */
export function encodeRecord(
  slab: Slab,
  at: number,
  message: IncomingMessage,
  position: number,
): number {
  const { bytes, view } = slab
  const { device, topic, payload, origin } = message
  const textsAt = at + HEAD_BYTES + (origin ? ORIGIN_BYTES : 0)
  const deviceBytes = bytes.write(device, textsAt)
  const topicBytes = bytes.write(topic, textsAt + deviceBytes)
  if (deviceBytes > MAX_TEXT_BYTES || topicBytes > MAX_TEXT_BYTES) {
    throw new RangeError(
      `expected device and topic of at most ${MAX_TEXT_BYTES} bytes, got ${deviceBytes} and ` +
        `${topicBytes}: MQTT allows no longer ones [MQTT-1.5.3], so the caller must refuse them`,
    )
  }
  const payloadAt = textsAt + deviceBytes + topicBytes
  const payloadEnd = payloadAt + payload.byteLength
  const end = at + padded(payloadEnd - at)
  bytes.set(payload, payloadAt)
  // The memory is used again: what an earlier group left there does not belong into the file.
  for (let pad = payloadEnd; pad < end; pad += 1) bytes[pad] = 0
  view.setUint32(at, MAGIC, true)
  view.setUint32(at + 8, end - at, true)
  view.setUint32(at + 12, flagsOf(message), true)
  setUint53(view, at + 16, position)
  view.setBigInt64(at + 32, message.receivedAtNs, true)
  view.setBigInt64(at + 40, message.receivedMonoNs, true)
  view.setUint16(at + 48, deviceBytes, true)
  view.setUint16(at + 50, topicBytes, true)
  view.setUint32(at + 52, payload.byteLength, true)
  if (origin) encodeOrigin(view, at + HEAD_BYTES, origin)
  return end - at
}

/**
 * Gives all records in `[0, used)` their group and checksum. Done just before the write, because a
 * failed write moves the group to another segment; it may be done again.
 */
export function sealGroup(
  { bytes, view }: Slab,
  used: number,
  { group, seed }: { readonly group: number; readonly seed: number },
): void {
  for (let at = 0; at < used;) {
    const end = at + view.getUint32(at + 8, true)
    const flags = view.getUint32(at + 12, true) & ~LAST_OF_GROUP
    view.setUint32(at + 12, end === used ? flags | LAST_OF_GROUP : flags, true)
    setUint53(view, at + 24, group)
    view.setUint32(at + 4, crc32(bytes.subarray(at + CHECKED_FROM, end), seed), true)
    at = end
  }
}

/**
 * Looks for a whole, valid record at a place: its length; 0 when there is none; or, when the slab
 * ends too early to say, minus the bytes that are needed from there. `room` is the number of bytes
 * from the place to the end of the segment: no record is longer.
 */
export function checkRecord({ bytes, view }: Slab, at: number, room: number, seed: number): number {
  const here = bytes.length - at
  if (room < HEAD_BYTES) return 0
  if (here < HEAD_BYTES) return -HEAD_BYTES
  if (view.getUint32(at, true) !== MAGIC) return 0
  const length = view.getUint32(at + 8, true)
  if (length > room || length !== lengthOf(view, at)) return 0
  if (here < length) return -length
  const sum = crc32(bytes.subarray(at + CHECKED_FROM, at + length), seed)
  return sum === view.getUint32(at + 4, true) ? length : 0
}

/** The next place at or after `from` where a record may begin; the end of the slab if none. */
export function nextCandidate({ bytes }: Slab, from: number): number {
  for (let at = from; at < bytes.length; at += 1) {
    at = bytes.indexOf(MAGIC_BYTES, at)
    if (at < 0) break
    if (at % 8 === 0) return at
  }
  return bytes.length
}

export function recordLengthAt({ view }: Slab, at: number): number {
  return view.getUint32(at + 8, true)
}

export function positionAt({ view }: Slab, at: number): number {
  return getUint53(view, at + 16)
}

export function groupAt({ view }: Slab, at: number): number {
  return getUint53(view, at + 24)
}

export function receivedAtNsAt({ view }: Slab, at: number): bigint {
  return view.getBigInt64(at + 32, true)
}

export function endsGroupAt({ view }: Slab, at: number): boolean {
  return (view.getUint32(at + 12, true) & LAST_OF_GROUP) !== 0
}

export function originAt({ view }: Slab, at: number): Origin | null {
  if ((view.getUint32(at + 12, true) & REPLAY) === 0) return null
  return {
    position: getUint53(view, at + HEAD_BYTES),
    elementIndex: view.getInt32(at + HEAD_BYTES + 8, true),
  }
}

/** Device and topic of a record. */
export interface Texts {
  readonly device: string
  readonly topic: string
}

/**
 * Reads texts through a memory: the same few thousand pairs come again and again, and a string
 * that is the same object has its hash computed already where it is used as a key.
 */
export function createTextMemory(limit = 16_384): (slab: Slab, at: number) => Texts {
  const known = new Map<string, Texts & { readonly deviceBytes: number }>()
  return ({ bytes, view }, at) => {
    const deviceBytes = view.getUint16(at + 48, true)
    const start = textsAtOf(view, at)
    const middle = start + deviceBytes
    const end = middle + view.getUint16(at + 50, true)
    // Latin-1 maps each byte to one character, so the key has exactly these bytes.
    const key = bytes.toString('latin1', start, end)
    const found = known.get(key)
    if (found?.deviceBytes === deviceBytes) return found
    const texts = {
      deviceBytes,
      device: bytes.toString('utf8', start, middle),
      topic: bytes.toString('utf8', middle, end),
    }
    if (known.size >= limit) known.clear()
    known.set(key, texts)
    return texts
  }
}

/** The message of a checked record. The payload is a view of the slab, not a copy. */
export function decodeRecord(slab: Slab, at: number, texts: Texts): JournaledMessage {
  const { bytes, view } = slab
  const flags = view.getUint32(at + 12, true)
  const payloadAt =
    textsAtOf(view, at) + view.getUint16(at + 48, true) + view.getUint16(at + 50, true)
  return {
    device: texts.device,
    topic: texts.topic,
    payload: bytes.subarray(payloadAt, payloadAt + view.getUint32(at + 52, true)),
    qos: qosOf(flags),
    retain: (flags & RETAIN) !== 0,
    dup: (flags & DUP) !== 0,
    will: (flags & WILL) !== 0,
    receivedAtNs: receivedAtNsAt(slab, at),
    receivedMonoNs: view.getBigInt64(at + 40, true),
    origin: originAt(slab, at),
    position: getUint53(view, at + 16),
  }
}

function encodeOrigin(view: DataView, at: number, { position, elementIndex }: Origin): void {
  setUint53(view, at, position)
  view.setInt32(at + 8, elementIndex, true)
  view.setUint32(at + 12, 0, true)
}

function flagsOf({ qos, retain, dup, will, origin }: IncomingMessage): number {
  return qos | (retain ? RETAIN : 0) | (dup ? DUP : 0) | (will ? WILL : 0) | (origin ? REPLAY : 0)
}

function qosOf(flags: number): Qos {
  const qos = flags & QOS
  return qos === 2 ? 2 : qos === 1 ? 1 : 0
}

function textsAtOf(view: DataView, at: number): number {
  return at + HEAD_BYTES + ((view.getUint32(at + 12, true) & REPLAY) === 0 ? 0 : ORIGIN_BYTES)
}

/** What the length must be by the lengths of the parts: a cheap check before the checksum. */
function lengthOf(view: DataView, at: number): number {
  const texts = view.getUint16(at + 48, true) + view.getUint16(at + 50, true)
  return padded(textsAtOf(view, at) - at + texts + view.getUint32(at + 52, true))
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8
}
