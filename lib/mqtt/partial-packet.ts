import { MAX_HEADER_BYTES, createFrame, readFrame } from './frame.ts'
import type { Unread } from './unread.ts'

/**
 * Collects a packet that arrives in pieces, in one buffer that grows by doubling: a packet that
 * comes byte by byte costs neither a copy nor a buffer per byte, and announcing a large packet
 * reserves no memory.
 */
export class PartialPackets {
  readonly #frame = createFrame()
  readonly #maxPacketBytes: number
  readonly #headBytes: number

  /** Of a packet over `maxPacketBytes` only the first `headBytes` are collected. */
  constructor(maxPacketBytes: number, headBytes: number) {
    this.#maxPacketBytes = maxPacketBytes
    this.#headBytes = headBytes
  }

  begin(unread: Unread, bytes: Buffer): void {
    unread.partial = Buffer.allocUnsafeSlow(Math.max(MAX_HEADER_BYTES, bytes.length))
    unread.partialBytes = bytes.copy(unread.partial)
  }

  /** Adds bytes of a chunk to the packet; returns how many of them belong to it. */
  add(unread: Unread, bytes: Buffer): number {
    let used = 0
    let wanted = this.#wantedBytes(unread)
    while (wanted === 0 && used < bytes.length) {
      append(unread, bytes.subarray(used, used + 1), MAX_HEADER_BYTES)
      used += 1
      wanted = this.#wantedBytes(unread)
    }
    if (wanted === 0) return used
    const part = bytes.subarray(used, used + wanted - unread.partialBytes)
    append(unread, part, wanted)
    return used + part.length
  }

  /** Takes the packet out once enough of it has arrived; null before. */
  takeWhole(unread: Unread): Buffer | null {
    const wanted = this.#wantedBytes(unread)
    if (!unread.partial || wanted === 0 || unread.partialBytes < wanted) return null
    const packet = unread.partial.subarray(0, unread.partialBytes)
    unread.partial = null
    unread.partialBytes = 0
    return packet
  }

  /** How many bytes to collect before the packet is looked at; 0 while the header is incomplete. */
  #wantedBytes({ partial, partialBytes }: Unread): number {
    if (!partial) return 0
    const state = readFrame(partial.subarray(0, partialBytes), 0, this.#maxPacketBytes, this.#frame)
    // Whoever reads the packet reports that it is malformed.
    if (state === 'malformed') return partialBytes
    if (state !== 'too-large') return this.#frame.end
    return Math.max(partialBytes, Math.min(this.#frame.end, this.#headBytes))
  }
}

function append(unread: Unread, part: Buffer, wanted: number): void {
  const { partial, partialBytes } = unread
  const needed = partialBytes + part.length
  if (partial && needed > partial.length) {
    const capacity = Math.max(needed, Math.min(wanted, partial.length * 2))
    unread.partial = Buffer.allocUnsafeSlow(capacity)
    partial.copy(unread.partial, 0, 0, partialBytes)
  }
  if (unread.partial) part.copy(unread.partial, partialBytes)
  unread.partialBytes = needed
}
