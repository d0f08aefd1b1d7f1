import { forget } from '#lib/mqtt/unread.ts'
import type { Connection, PauseCause } from './connection.ts'

/** While the journal takes nothing, clients are read up to here, to notice when one goes away. */
const READ_AHEAD_BYTES = 64 * 1024
/** The shortest keep-alive is 1 s, and Aedes waits for one and a half. */
const KEEP_ALIVE_MS = 500

/**
 * Which connections are paused, and why. A resumed connection is read in a turn of its own, so that
 * an acknowledgement never ends up deep inside another client's packets.
 */
export class BackPressure {
  readonly #read: (connection: Connection) => void
  readonly #paused = new Set<Connection>()
  #resumed: Connection[] = []
  #scheduled: NodeJS.Immediate | null = null
  #keepAlive: NodeJS.Timeout | null = null
  #closed = false

  /** `read` continues with what a connection has received. */
  constructor(read: (connection: Connection) => void) {
    this.#read = read
  }

  pause(connection: Connection, cause: PauseCause): void {
    if (connection.pausedBy === 'closing') return
    connection.pausedBy = cause
    this.#paused.add(connection)
    this.stopSocketIfFull(connection)
    // Its PINGREQ waits unread: that is our doing, the client is not silent.
    this.#keepAlive ??= setInterval(() => this.#keepAllAlive(), KEEP_ALIVE_MS).unref()
  }

  /** Resumes a connection, if that is why it is paused. */
  resume(connection: Connection, cause: PauseCause): void {
    if (connection.pausedBy === cause) this.#schedule(connection)
  }

  /** Resumes all connections that are paused for a cause. */
  resumeAll(cause: PauseCause): void {
    for (const connection of this.#paused) {
      if (connection.pausedBy === cause) this.#schedule(connection)
    }
  }

  stopSocketIfFull(connection: Connection): void {
    const { pausedBy, waitingBytes } = connection
    const readsAhead = pausedBy === 'journal' && waitingBytes < READ_AHEAD_BYTES
    if (pausedBy !== null && !readsAhead) connection.stream.pause()
  }

  forget(connection: Connection): void {
    this.#paused.delete(connection)
    forget(connection)
    this.#stopKeepingAlive()
  }

  /** No connection is read any more, these or others. */
  close(connections: Iterable<Connection>): void {
    this.#closed = true
    for (const connection of connections) {
      connection.pausedBy = 'closing'
      connection.stream.pause()
    }
    if (this.#scheduled) clearImmediate(this.#scheduled)
    if (this.#keepAlive) clearInterval(this.#keepAlive)
    this.#keepAlive = null
  }

  #schedule(connection: Connection): void {
    if (this.#closed) return
    this.#resumed.push(connection)
    this.#scheduled ??= setImmediate(() => this.#readResumed())
  }

  #readResumed(): void {
    const connections = this.#resumed
    this.#resumed = []
    this.#scheduled = null
    for (const connection of connections) {
      if (!this.#paused.delete(connection)) continue
      connection.pausedBy = null
      this.#read(connection)
    }
    this.#stopKeepingAlive()
  }

  #keepAllAlive(): void {
    for (const { client, pausedBy } of this.#paused) {
      if (pausedBy !== 'connecting') client._keepaliveTimer?.refresh()
    }
  }

  #stopKeepingAlive(): void {
    if (this.#paused.size > 0 || !this.#keepAlive) return
    clearInterval(this.#keepAlive)
    this.#keepAlive = null
  }
}
