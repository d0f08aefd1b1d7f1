import { isUtf8 } from 'node:buffer'

/** The place after bytes with their length before them; -1 when they reach beyond `end`. */
export function afterBytes(bytes: Buffer, at: number, end: number): number {
  if (at < 0 || at + 2 > end) return -1
  const after = at + 2 + bytes.readUInt16BE(at)
  return after <= end ? after : -1
}

/** The same for a string: UTF-8 without U+0000 ([MQTT-1.5.3-1], [MQTT-1.5.3-2]). */
export function afterString(bytes: Buffer, at: number, end: number): number {
  const after = afterBytes(bytes, at, end)
  return after >= 0 && isString(bytes.subarray(at + 2, after)) ? after : -1
}

export function isString(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(0)
}
