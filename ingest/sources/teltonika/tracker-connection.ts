import type { Socket } from 'node:net'
import { pingsAt, readLogin, readPacket, type Packet } from './framing.ts'
import type { RefusalReason } from './refusals.ts'

export interface ConnectionLimits {
  readonly maxPacketBytes: number
  readonly loginTimeoutMs: number
  readonly idleTimeoutMs: number
}

/** What a connection asks of the listener. */
export interface ConnectionEvents {
  /** Whether the tracker is let in. */
  login(imei: string): boolean
  /** False while packets must not be taken; `resume` tries again. */
  readonly mayTake: boolean
  /** `done` with null when the packet is durable; with an error it never will be. */
  packet(frame: Buffer, done: (error: Error | null) => void): void
  refused(reason: RefusalReason, text: string): void
  closed(): void
}

/**
 * One tracker, from its IMEI to its end. A packet is taken when the one before it is acknowledged, and
 * what comes meanwhile stays unread. Life cycle: after `closed` nothing is handed over or written.
 */
export interface TrackerConnection {
  readonly imei: string | null
  /** A packet that is handed over and not acknowledged. */
  readonly isWaiting: boolean
  resume(): void
  /** Takes nothing more, and ends when the packet that waits is acknowledged. */
  finish(): void
  destroy(): void
}

const ACCEPTED = Buffer.of(1)
const REFUSED = Buffer.of(0)
/** Of its own, so that an idle connection does not keep the bytes of its last packet. */
const EMPTY = Buffer.alloc(0)
/** Broken packets in a row, after which a new connection may be better than this one. */
const MOST_BROKEN = 8
/** Acknowledgements that a tracker does not read, in bytes. */
const MOST_UNREAD = 4096

export function openTrackerConnection(
  socket: Socket,
  limits: ConnectionLimits,
  events: ConnectionEvents,
): TrackerConnection {
  let imei: string | null = null
  let buffered: Buffer = EMPTY
  let isWaiting = false
  let isFinishing = false
  let isClosed = false
  let broken = 0
  let timer = setTimeout(loginIsLate, limits.loginTimeoutMs)

  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  socket.on('data', (bytes: Buffer) => {
    // After a fault what still comes is of no worth.
    if (isClosed || isFinishing) return
    buffered = buffered.length === 0 ? bytes : Buffer.concat([buffered, bytes])
    work()
  })
  // Trackers lose their network all the time: the end of a connection is not worth a line.
  socket.on('error', () => socket.destroy())
  socket.on('end', () => socket.end())
  socket.on('close', () => {
    isClosed = true
    clearTimeout(timer)
    events.closed()
  })

  return {
    get imei() {
      return imei
    },
    get isWaiting() {
      return isWaiting
    },
    resume: work,
    finish() {
      isFinishing = true
      clearTimeout(timer)
      if (!isWaiting) end()
    },
    destroy: () => socket.destroy(),
  }

  /** Takes what is buffered as far as it goes, then reads on or not. */
  function work(): void {
    if (isClosed || isFinishing) return
    if (imei === null) takeLogin()
    takePackets()
    if (buffered.length === 0) buffered = EMPTY
    if (isWaiting || (imei !== null && !events.mayTake)) socket.pause()
    else socket.resume()
  }

  function takeLogin(): void {
    const login = readLogin(buffered)
    if (login === null) return
    if ('reason' in login) return fault(login.reason, login.text)
    if (!events.login(login.imei)) {
      write(REFUSED)
      return leave()
    }
    imei = login.imei
    buffered = buffered.subarray(login.used)
    write(ACCEPTED)
    isAlive()
  }

  function takePackets(): void {
    let isMore = imei !== null
    while (isMore && !isWaiting && !isFinishing) isMore = takePacket()
  }

  /** Whether there may be another one behind it. */
  function takePacket(): boolean {
    const pings = pingsAt(buffered)
    if (pings > 0) {
      buffered = buffered.subarray(pings)
      isAlive()
    }
    if (buffered.length === 0 || !events.mayTake) return false
    const packet = readPacket(buffered, limits.maxPacketBytes)
    if (packet === null) return false
    if ('reason' in packet) {
      fault(packet.reason, packet.text)
      return false
    }
    buffered = buffered.subarray(packet.used)
    isAlive()
    if (packet.isIntact) take(packet)
    else sendAgain()
    return true
  }

  function take({ frame, records }: Packet): void {
    broken = 0
    isWaiting = true
    clearTimeout(timer)
    events.packet(frame, (error) => {
      isWaiting = false
      if (error) return void socket.destroy()
      if (isClosed) return
      if (records !== null) acknowledge(records)
      if (isFinishing) return end()
      isAlive()
      // In a turn of its own: a crowd of packets must not grow the stack.
      setImmediate(work)
    })
  }

  /** A tracker sends a packet again of which no record was taken. */
  function sendAgain(): void {
    broken += 1
    events.refused('checksum', 'expected a packet whose checksum is right: it is to be sent again')
    acknowledge(0)
    if (broken >= MOST_BROKEN) leave()
  }

  function acknowledge(records: number): void {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(records)
    write(bytes)
    if (socket.writableLength <= MOST_UNREAD) return
    events.refused('not_reading', 'it does not read its acknowledgements')
    socket.destroy()
  }

  function isAlive(): void {
    clearTimeout(timer)
    timer = setTimeout(isSilent, limits.idleTimeoutMs)
  }

  function isSilent(): void {
    // Held back by us: it may well have written.
    if (!events.mayTake) return isAlive()
    events.refused('idle', `no packet came for ${limits.idleTimeoutMs} ms`)
    socket.destroy()
  }

  function loginIsLate(): void {
    events.refused('login_timeout', `no IMEI came within ${limits.loginTimeoutMs} ms`)
    socket.destroy()
  }

  function fault(reason: RefusalReason, text: string): void {
    events.refused(reason, text)
    isFinishing = true
    socket.destroy()
  }

  function leave(): void {
    isFinishing = true
    end()
  }

  function end(): void {
    if (isClosed) return
    clearTimeout(timer)
    timer = setTimeout(() => socket.destroy(), FAREWELL_MS)
    // Unread bytes would turn the end into a reset, and take the last acknowledgement with it.
    socket.resume()
    socket.end()
  }

  function write(bytes: Buffer): void {
    if (socket.writable) socket.write(bytes)
  }
}

const KEEP_ALIVE_MS = 60_000
const FAREWELL_MS = 1000
