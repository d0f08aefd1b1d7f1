// Written for speed: runs once per read and per packet, and allocates nothing for a whole packet.
import { createFrame, readFrame, type Frame } from './frame.ts'
import { PartialPackets } from './partial-packet.ts'
import { keepFirst, keepLast, takeFirst, type ReadChunk, type Unread } from './unread.ts'

/** What is done with the packets of a connection. The frame holds good until the call returns. */
export interface FrameHandler<Peer extends Unread> {
  /** Takes a whole packet; false: not now, and the connection is paused. */
  take(peer: Peer, frame: Frame, chunk: ReadChunk): boolean
  /** A packet over the limit: its beginning, as many bytes as `headBytes`. The rest is skipped. */
  tooLarge(peer: Peer, frame: Frame, chunk: ReadChunk): void
  /** The remaining length has more than four bytes: the peer does not speak MQTT. */
  malformed(peer: Peer): void
  /** No packet is taken now; what arrives waits until `resume`. */
  isPaused(peer: Peer): boolean
  /** No packet is taken any more. */
  isClosed(peer: Peer): boolean
  /** Something waits for `resume`: the handler stops the socket when enough does. */
  waits(peer: Peer): void
}

export interface FrameLimits {
  readonly maxPacketBytes: number
  /** Bytes of a packet over the limit that `tooLarge` wants to see; 0: none. */
  readonly headBytes: number
}

/**
 * Cuts what sockets bring into MQTT packets, for any number of connections. Nothing is copied
 * unless a packet comes in pieces or has to wait.
 */
export class FrameReader<Peer extends Unread> {
  readonly #handler: FrameHandler<Peer>
  readonly #maxPacketBytes: number
  readonly #headBytes: number
  readonly #partials: PartialPackets
  readonly #frame = createFrame()

  constructor(handler: FrameHandler<Peer>, { maxPacketBytes, headBytes }: FrameLimits) {
    this.#handler = handler
    this.#maxPacketBytes = maxPacketBytes
    this.#headBytes = headBytes
    this.#partials = new PartialPackets(maxPacketBytes, headBytes)
  }

  /** Takes the packets of a chunk; what cannot be taken waits. */
  read(peer: Peer, chunk: ReadChunk): void {
    if (!this.#handler.isPaused(peer)) return this.#takeAll(peer, chunk)
    keepLast(peer, chunk)
    this.#handler.waits(peer)
  }

  /** Continues with what waits. */
  resume(peer: Peer): void {
    while (!this.#handler.isPaused(peer) && !this.#handler.isClosed(peer)) {
      const chunk = takeFirst(peer)
      if (!chunk) return
      this.#takeAll(peer, chunk)
    }
  }

  #takeAll(peer: Peer, chunk: ReadChunk): void {
    const from = peer.partial === null ? 0 : this.#complete(peer, chunk)
    if (from >= chunk.bytes.length) return
    const end = this.#walk(peer, chunk, from)
    if (end < chunk.bytes.length) this.#keepFirst(peer, chunk, end)
  }

  /** Completes the packet that began in an earlier chunk; returns where to continue in this one. */
  #complete(peer: Peer, chunk: ReadChunk): number {
    const { bytes, receivedAtNs, receivedMonoNs } = chunk
    const used = this.#partials.add(peer, bytes)
    const packet = this.#partials.takeWhole(peer)
    if (!packet) return used
    const whole = { bytes: packet, receivedAtNs, receivedMonoNs, borrowed: false }
    if (this.#walk(peer, whole, 0) > 0) return used
    if (used < bytes.length) this.#keepFirst(peer, chunk, used)
    this.#keepFirst(peer, whole, 0)
    return bytes.length
  }

  /** Takes packet after packet; returns the place of the first one that was not taken. */
  #walk(peer: Peer, chunk: ReadChunk, from: number): number {
    const handler = this.#handler
    const frame = this.#frame
    const { bytes } = chunk
    let at = from + this.#skip(peer, bytes.length - from)
    while (at < bytes.length) {
      if (handler.isClosed(peer)) return bytes.length
      if (handler.isPaused(peer)) return at
      const state = readFrame(bytes, at, this.#maxPacketBytes, frame)
      if (state === 'whole') {
        // A handler may let another connection be read, which uses the same frame.
        const { end } = frame
        if (!handler.take(peer, frame, chunk)) return at
        at = end
      } else if (state === 'malformed') {
        handler.malformed(peer)
        return bytes.length
      } else if (state === 'partial' || bytes.length - at < this.#headOf(frame)) {
        this.#partials.begin(peer, bytes.subarray(at))
        return bytes.length
      } else {
        const { end } = frame
        handler.tooLarge(peer, frame, chunk)
        peer.skipBytes = Math.max(0, end - bytes.length)
        at = end
      }
    }
    return at
  }

  #headOf({ at, end }: Frame): number {
    return Math.min(end - at, this.#headBytes)
  }

  /** Skips what is left of a packet over the limit. */
  #skip(peer: Peer, available: number): number {
    if (peer.skipBytes === 0) return 0
    const skipped = Math.min(peer.skipBytes, available)
    peer.skipBytes -= skipped
    return skipped
  }

  #keepFirst(peer: Peer, chunk: ReadChunk, from: number): void {
    keepFirst(peer, chunk, from)
    this.#handler.waits(peer)
  }
}
