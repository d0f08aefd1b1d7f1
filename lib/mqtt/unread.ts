/** Bytes of one read from a socket, with the time of that read. */
export interface ReadChunk {
  readonly bytes: Buffer
  /** Wall clock, Unix nanoseconds. */
  readonly receivedAtNs: bigint
  /** Monotonic nanoseconds of the same moment. */
  readonly receivedMonoNs: bigint
  /** The next read overwrites these bytes: whoever keeps them makes a copy. */
  readonly borrowed: boolean
}

/** What a connection has received and not yet processed. */
export interface Unread {
  /** Chunks that arrived while the connection was paused, in order. */
  waiting: ReadChunk[]
  waitingBytes: number
  /** The beginning of a packet whose end has not arrived. */
  partial: Buffer | null
  partialBytes: number
  /** Bytes of a packet over the limit that are still to come and are thrown away. */
  skipBytes: number
}

export function createUnread(): Unread {
  return { waiting: [], waitingBytes: 0, partial: null, partialBytes: 0, skipBytes: 0 }
}

/** Puts the rest of a chunk in front of the chunks that wait. */
export function keepFirst(unread: Unread, chunk: ReadChunk, from: number): void {
  const rest = kept(chunk, from)
  unread.waiting.unshift(rest)
  unread.waitingBytes += rest.bytes.length
}

/** Puts a chunk after the chunks that wait. */
export function keepLast(unread: Unread, chunk: ReadChunk): void {
  unread.waiting.push(kept(chunk, 0))
  unread.waitingBytes += chunk.bytes.length
}

export function takeFirst(unread: Unread): ReadChunk | undefined {
  const chunk = unread.waiting.shift()
  if (chunk) unread.waitingBytes -= chunk.bytes.length
  return chunk
}

/** Drops everything. */
export function forget(unread: Unread): void {
  unread.waiting = []
  unread.waitingBytes = 0
  unread.partial = null
  unread.partialBytes = 0
}

function kept(chunk: ReadChunk, from: number): ReadChunk {
  const { bytes, receivedAtNs, receivedMonoNs, borrowed } = chunk
  if (from === 0 && !borrowed) return chunk
  const rest = bytes.subarray(from)
  return {
    bytes: borrowed ? Buffer.from(rest) : rest,
    receivedAtNs,
    receivedMonoNs,
    borrowed: false,
  }
}
