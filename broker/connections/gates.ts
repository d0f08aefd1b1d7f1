import type { Blocked, Connection, ReadChunk } from './connection.ts'

/**
 * Which connections are not read from, and why. Whoever opens a gate only says so: reading goes on in
 * a turn of its own, so that an acknowledgement never ends up deep inside another client's packets.
 */
export interface Gates {
  block(connection: Connection, cause: Blocked): void
  /** Reads on from one connection, if that is its cause. */
  open(connection: Connection, cause: Blocked): void
  /** Reads on from all connections blocked for a cause. */
  openAll(cause: Blocked): void
  /** Puts the rest of a chunk before, or a whole chunk behind, everything that waits. */
  keepFirst(connection: Connection, chunk: ReadChunk, from: number): void
  keepLast(connection: Connection, chunk: ReadChunk): void
  takeFirst(connection: Connection): ReadChunk | undefined
  forget(connection: Connection): void
  /** Nothing is read any more, from these and all others. */
  close(connections: Iterable<Connection>): void
}

/**
 * A held client is read on up to here, only to notice when it goes away; then its socket is paused.
 * All others are paused at once.
 */
const HELD_BYTES = 64 * 1024
/** The shortest keep-alive is 1 s, and Aedes waits for one and a half. */
const KEEP_ALIVE_MS = 500

export function createGates(resume: (connection: Connection) => void): Gates {
  const blocked = new Set<Connection>()
  let opened: Connection[] = []
  let scheduled: NodeJS.Immediate | null = null
  let keepAlive: NodeJS.Timeout | null = null
  let closed = false

  return {
    block(connection, cause) {
      if (connection.blocked === 'closing') return
      connection.blocked = cause
      blocked.add(connection)
      pauseIfFull(connection)
      // Its PINGREQ lies unread behind what blocks it: that is our doing, not silence of the client.
      keepAlive ??= setInterval(keepAllAlive, KEEP_ALIVE_MS).unref()
    },
    open(connection, cause) {
      if (connection.blocked === cause) schedule(connection)
    },
    openAll(cause) {
      for (const connection of blocked) if (connection.blocked === cause) schedule(connection)
    },
    keepFirst(connection, chunk, from) {
      const rest = kept(chunk, from)
      connection.waiting.unshift(rest)
      connection.waitingBytes += rest.bytes.length
      pauseIfFull(connection)
    },
    keepLast(connection, chunk) {
      connection.waiting.push(kept(chunk, 0))
      connection.waitingBytes += chunk.bytes.length
      pauseIfFull(connection)
    },
    takeFirst(connection) {
      const chunk = connection.waiting.shift()
      if (chunk) connection.waitingBytes -= chunk.bytes.length
      return chunk
    },
    forget(connection) {
      blocked.delete(connection)
      connection.waiting = []
      connection.waitingBytes = 0
      connection.partial = null
      stopKeepingAlive()
    },
    close(connections) {
      closed = true
      for (const connection of connections) {
        connection.blocked = 'closing'
        connection.stream.pause()
      }
      if (scheduled) clearImmediate(scheduled)
      if (keepAlive) clearInterval(keepAlive)
      keepAlive = null
    },
  }

  function pauseIfFull(connection: Connection): void {
    const readsOn = connection.blocked === 'held' && connection.waitingBytes < HELD_BYTES
    if (connection.blocked !== null && !readsOn) connection.stream.pause()
  }

  function schedule(connection: Connection): void {
    if (closed) return
    opened.push(connection)
    scheduled ??= setImmediate(resumeOpened)
  }

  function resumeOpened(): void {
    const connections = opened
    opened = []
    scheduled = null
    for (const connection of connections) {
      if (!blocked.delete(connection)) continue
      connection.blocked = null
      resume(connection)
    }
    stopKeepingAlive()
  }

  function keepAllAlive(): void {
    for (const { client, blocked: cause } of blocked) {
      if (cause !== 'connecting') client._keepaliveTimer?.refresh()
    }
  }

  function stopKeepingAlive(): void {
    if (blocked.size > 0 || !keepAlive) return
    clearInterval(keepAlive)
    keepAlive = null
  }
}

function kept({ bytes, atNs, monoNs, borrowed }: ReadChunk, from: number): ReadChunk {
  const rest = bytes.subarray(from)
  return { bytes: borrowed ? Buffer.from(rest) : rest, atNs, monoNs, borrowed: false }
}
