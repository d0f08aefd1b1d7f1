import type { Clock } from '#lib/runtime/clock.ts'

/** One MQTT packet where it lies in the bytes of a read, with the time of that read. */
export interface Frame {
  readonly bytes: Buffer
  readonly type: number
  readonly flags: number
  /** First byte of the packet, first byte after its fixed header, first byte after it. */
  readonly at: number
  readonly bodyAt: number
  readonly end: number
  readonly atNs: bigint
  readonly monoNs: bigint
}

export interface FrameHandler {
  /** False: not now. The packet and all behind it wait for `resume`. */
  take(frame: Frame): boolean
  /** The beginning of a packet over the limit; the rest of it is skipped. */
  oversized(frame: Frame): void
  /** The peer speaks something else. */
  malformed(): void
}

/** Cuts what a socket brings into packets. Nothing is copied unless a packet comes in pieces. */
export interface FrameReader {
  read(bytes: Buffer): void
  /** Goes on with what `take` did not want. */
  resume(): void
  /** Nothing is handed over any more. */
  stop(): void
  /** Something waits for `resume`. */
  readonly blocked: boolean
}

interface Chunk {
  readonly bytes: Buffer
  readonly atNs: bigint
  readonly monoNs: bigint
}

/** Fixed header, topic and message id of the longest topic: what is looked at of too large packets. */
const LOOKED_AT = 5 + 2 + 65_535 + 2
const LONGEST_HEADER = 5

export function createFrameReader(
  clock: Clock,
  maxPacketBytes: number,
  handler: FrameHandler,
): FrameReader {
  let waiting: Chunk[] = []
  let partial: Buffer[] = []
  let partialBytes = 0
  /** Bytes that make it worth to look at the partial packet again. */
  let wantedBytes = 0
  let skipBytes = 0
  let blocked = false
  let stopped = false

  return {
    read(bytes) {
      if (stopped) return
      waiting.push({ bytes, atNs: clock.nowNs(), monoNs: clock.monoNs() })
      if (!blocked) walkWaiting()
    },
    resume() {
      blocked = false
      walkWaiting()
    },
    stop() {
      stopped = true
      blocked = false
      waiting = []
      partial = []
    },
    get blocked() {
      return blocked
    },
  }

  function walkWaiting(): void {
    while (!blocked && !stopped) {
      const chunk = waiting.shift()
      if (!chunk) return
      const whole = completed(skipped(chunk))
      if (whole) walk(whole)
    }
  }

  function skipped(chunk: Chunk): Chunk {
    const skip = Math.min(skipBytes, chunk.bytes.length)
    skipBytes -= skip
    return skip === 0 ? chunk : { ...chunk, bytes: chunk.bytes.subarray(skip) }
  }

  /** Puts a chunk behind the beginning of its packet; null while that is not worth a look. */
  function completed(chunk: Chunk): Chunk | null {
    if (partialBytes === 0) return chunk
    partial.push(chunk.bytes)
    partialBytes += chunk.bytes.length
    if (partialBytes < wantedBytes) return null
    const bytes = Buffer.concat(partial, partialBytes)
    partial = []
    partialBytes = 0
    return { ...chunk, bytes }
  }

  function walk(chunk: Chunk): void {
    const { bytes } = chunk
    let at = 0
    while (at < bytes.length) {
      if (stopped) return
      const frame = frameAt(chunk, at)
      if (frame === 'malformed') return handler.malformed()
      if (frame === 'partial') return keep(chunk, at, bytes.length - at + 1)
      const isTooLarge = frame.end - at > maxPacketBytes
      const needed = at + Math.min(frame.end - at, isTooLarge ? LOOKED_AT : Infinity)
      if (needed > bytes.length) return keep(chunk, at, needed - at)
      if (isTooLarge) {
        handler.oversized(frame)
        skipBytes = Math.max(0, frame.end - bytes.length)
      } else if (!handler.take(frame)) {
        blocked = true
        waiting.unshift({ ...chunk, bytes: bytes.subarray(at) })
        return
      }
      at = frame.end
    }
  }

  function keep({ bytes }: Chunk, at: number, wanted: number): void {
    // A short rest of a large read would keep all of it in memory.
    partial = [at > 0 ? Buffer.from(bytes.subarray(at)) : bytes]
    partialBytes = bytes.length - at
    wantedBytes = wanted
  }
}

/** Reads the fixed header ([MQTT-2.2]); the packet itself may end beyond the bytes. */
function frameAt(chunk: Chunk, at: number): Frame | 'partial' | 'malformed' {
  const { bytes, atNs, monoNs } = chunk
  const first = bytes[at] ?? 0
  let length = 0
  let factor = 1
  for (let read = at + 1; ; read += 1) {
    if (read - at >= LONGEST_HEADER) return 'malformed'
    const digit = bytes[read]
    if (digit === undefined) return 'partial'
    length += (digit & 127) * factor
    factor *= 128
    if (digit >= 128) continue
    const bodyAt = read + 1
    return {
      bytes,
      type: first >> 4,
      flags: first & 15,
      at,
      bodyAt,
      end: bodyAt + length,
      atNs,
      monoNs,
    }
  }
}
