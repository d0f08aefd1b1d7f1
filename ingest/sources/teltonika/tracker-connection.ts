import type { Socket } from 'node:net'
import { pingsAt, readLogin, readPacket, type Packet } from './framing.ts'
import type { TeltonikaSettings } from './options.ts'
import type { RefusalReason } from './refusals.ts'

export type ConnectionLimits = Pick<
  TeltonikaSettings,
  'maxPacketBytes' | 'loginTimeoutMs' | 'idleTimeoutMs'
>

/** What a connection needs of the listener. */
export interface ConnectionEvents {
  /** Whether the tracker is accepted. */
  login(imei: string, connection: TrackerConnection): boolean
  /** False while packets must not be taken; `resume` tries again. */
  mayTake(): boolean
  /** `done` with null when the packet is durable; with an error it never will be. */
  packet(imei: string, frame: Buffer, done: (error: Error | null) => void): void
  refused(connection: TrackerConnection, reason: RefusalReason, text: string): void
  closed(connection: TrackerConnection): void
}

const ACCEPTED = Buffer.of(1)
const REFUSED = Buffer.of(0)
/** A buffer of its own, so that an idle connection does not keep the bytes of its last packet. */
const EMPTY = Buffer.alloc(0)
/** Broken packets in a row, after which a new connection may be better than this one. */
const MAX_BROKEN = 8
/** Acknowledgements that a tracker does not read, in bytes. */
const MAX_UNREAD = 4096
const KEEP_ALIVE_MS = 60_000
/** How long the socket may take to send the last acknowledgement. */
const FLUSH_MS = 1000

/**
 * One tracker, from its IMEI to its end. A packet is taken when the one before it is acknowledged, and
 * what comes meanwhile stays unread. Life cycle: after `closed` nothing is handed over or written.
 */
export class TrackerConnection {
  /** Remote address, for log lines. */
  readonly from: string
  readonly #socket: Socket
  readonly #limits: ConnectionLimits
  readonly #events: ConnectionEvents
  #imei: string | null = null
  #buffered: Buffer = EMPTY
  #isWaiting = false
  #isFinishing = false
  #isClosed = false
  #broken = 0
  #timer: NodeJS.Timeout

  constructor(socket: Socket, limits: ConnectionLimits, events: ConnectionEvents) {
    this.from = socket.remoteAddress ?? ''
    this.#socket = socket
    this.#limits = limits
    this.#events = events
    this.#timer = setTimeout(() => this.#loginTimedOut(), limits.loginTimeoutMs)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('data', (bytes: Buffer) => this.#read(bytes))
    // Trackers lose their network all the time: the end of a connection is not worth a line.
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.end())
    socket.on('close', () => this.#closed())
  }

  get imei(): string | null {
    return this.#imei
  }

  /** A packet is handed over and not acknowledged. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** Takes what is buffered as far as possible, then reads on or not. */
  resume(): void {
    if (this.#isClosed || this.#isFinishing) return
    if (this.#imei === null) this.#takeLogin()
    this.#takePackets()
    if (this.#buffered.length === 0) this.#buffered = EMPTY
    const mayRead = this.#imei === null || this.#events.mayTake()
    if (this.#isWaiting || !mayRead) this.#socket.pause()
    else this.#socket.resume()
  }

  /** Takes nothing more, and ends when the packet that waits is acknowledged. */
  finish(): void {
    this.#isFinishing = true
    clearTimeout(this.#timer)
    if (!this.#isWaiting) this.#end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #read(bytes: Buffer): void {
    // What comes after a fault is worth nothing.
    if (this.#isClosed || this.#isFinishing) return
    const isFirst = this.#buffered.length === 0
    this.#buffered = isFirst ? bytes : Buffer.concat([this.#buffered, bytes])
    this.resume()
  }

  #takeLogin(): void {
    const login = readLogin(this.#buffered)
    if (login === null) return
    if ('reason' in login) return this.#fault(login.reason, login.text)
    if (!this.#events.login(login.imei, this)) {
      this.#write(REFUSED)
      return this.#leave()
    }
    this.#imei = login.imei
    this.#buffered = this.#buffered.subarray(login.used)
    this.#write(ACCEPTED)
    this.#restartTimer()
  }

  #takePackets(): void {
    const imei = this.#imei
    if (imei === null) return
    let isMore = true
    while (isMore && !this.#isWaiting && !this.#isFinishing) isMore = this.#takePacket(imei)
  }

  /** Whether another packet may follow. */
  #takePacket(imei: string): boolean {
    const pings = pingsAt(this.#buffered)
    if (pings > 0) {
      this.#buffered = this.#buffered.subarray(pings)
      this.#restartTimer()
    }
    if (this.#buffered.length === 0 || !this.#events.mayTake()) return false
    const packet = readPacket(this.#buffered, this.#limits.maxPacketBytes)
    if (packet === null) return false
    if ('reason' in packet) {
      this.#fault(packet.reason, packet.text)
      return false
    }
    this.#buffered = this.#buffered.subarray(packet.used)
    this.#restartTimer()
    if (packet.isIntact) this.#take(imei, packet)
    else this.#requestAgain()
    return true
  }

  #take(imei: string, { frame, records }: Packet): void {
    this.#broken = 0
    this.#isWaiting = true
    clearTimeout(this.#timer)
    this.#events.packet(imei, frame, (error) => {
      this.#isWaiting = false
      if (error) return this.destroy()
      if (this.#isClosed) return
      if (records !== null) this.#acknowledge(records)
      if (this.#isFinishing) return this.#end()
      this.#restartTimer()
      // In a turn of its own: many packets must not grow the stack.
      setImmediate(() => this.resume())
    })
  }

  /** A tracker sends a packet again when 0 of its records are acknowledged. */
  #requestAgain(): void {
    this.#broken += 1
    const text = 'expected a packet with a correct checksum, got a broken one; it is sent again'
    this.#refuse('checksum', text)
    this.#acknowledge(0)
    if (this.#broken >= MAX_BROKEN) this.#leave()
  }

  #acknowledge(records: number): void {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(records)
    this.#write(bytes)
    if (this.#socket.writableLength <= MAX_UNREAD) return
    this.#refuse('not_reading', 'it does not read its acknowledgements')
    this.destroy()
  }

  #restartTimer(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#idleTimedOut(), this.#limits.idleTimeoutMs)
  }

  #idleTimedOut(): void {
    // It is paused by us, and may well have written.
    if (!this.#events.mayTake()) return this.#restartTimer()
    this.#refuse('idle', `no packet came for ${this.#limits.idleTimeoutMs} ms`)
    this.destroy()
  }

  #loginTimedOut(): void {
    this.#refuse('login_timeout', `no IMEI came within ${this.#limits.loginTimeoutMs} ms`)
    this.destroy()
  }

  #refuse(reason: RefusalReason, text: string): void {
    this.#events.refused(this, reason, text)
  }

  #fault(reason: RefusalReason, text: string): void {
    this.#refuse(reason, text)
    this.#isFinishing = true
    this.destroy()
  }

  #leave(): void {
    this.#isFinishing = true
    this.#end()
  }

  #end(): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.destroy(), FLUSH_MS)
    // Unread bytes would turn the end into a reset, and take the last acknowledgement with it.
    this.#socket.resume()
    this.#socket.end()
  }

  #closed(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#events.closed(this)
  }

  #write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }
}
