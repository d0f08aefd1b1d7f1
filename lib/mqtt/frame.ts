// Written for speed: runs once per packet and allocates nothing.

/** Where a packet lies in the bytes of a read. One object serves all packets of a reader. */
export interface Frame {
  type: number
  flags: number
  /** First byte of the packet. */
  at: number
  /** First byte after the fixed header. */
  bodyAt: number
  /** First byte after the packet; 0 while its length is not known. */
  end: number
}

/** `partial`: the bytes end before the packet does. `too-large`: the length is over the limit. */
export type FrameState = 'whole' | 'partial' | 'malformed' | 'too-large'

export function createFrame(): Frame {
  return { type: 0, flags: 0, at: 0, bodyAt: 0, end: 0 }
}

/** A type and four bytes of remaining length ([MQTT-2.2.3]). */
export const MAX_HEADER_BYTES = 5

/** Reads the fixed header at `at`. The limit is checked before anything of the packet is kept. */
export function readFrame(
  bytes: Uint8Array,
  at: number,
  maxBytes: number,
  frame: Frame,
): FrameState {
  const first = bytes[at] ?? 0
  frame.type = first >> 4
  frame.flags = first & 15
  frame.at = at
  frame.end = 0
  let length = 0
  let factor = 1
  for (let read = at + 1; ; read += 1) {
    if (read - at >= MAX_HEADER_BYTES) return 'malformed'
    const digit = bytes[read]
    if (digit === undefined) return 'partial'
    length += (digit & 127) * factor
    factor *= 128
    if (digit < 128) {
      frame.bodyAt = read + 1
      break
    }
  }
  frame.end = frame.bodyAt + length
  if (frame.end - at > maxBytes) return 'too-large'
  return frame.end > bytes.length ? 'partial' : 'whole'
}
