import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import { createRefusals, type RefusalReason } from './refusals.ts'
import { openTrackerConnection, type TrackerConnection } from './tracker-connection.ts'
import { createTrackers, type TrackerRegistry } from './trackers.ts'

export interface TeltonikaOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Largest packet with its frame; trackers send up to 1280 bytes, with Codec 8E rarely more. */
  readonly maxPacketBytes?: number
  readonly maxConnections?: number
  readonly loginTimeoutMs?: number
  /** Without a packet or a ping for so long a connection is closed. */
  readonly idleTimeoutMs?: number
  /** Also keep a rejection of each tracker that nobody has registered, so that people see it. */
  readonly keepUnknown?: boolean
}

export interface TeltonikaDeps {
  readonly intake: Intake
  readonly registry: TrackerRegistry
  readonly clock: Clock
  readonly log: Log
  /** Counts what is not served. */
  readonly refused: (reason: RefusalReason) => void
}

export interface TeltonikaStatus {
  readonly connections: number
  readonly maxConnections: number
  /** Packets handed over and not durable yet: one for each connection at most. */
  readonly inFlight: number
  /** Packets made durable and acknowledged. */
  readonly acknowledged: number
  readonly refused: Readonly<Record<RefusalReason, number>>
}

/**
 * Trackers of Teltonika over TCP (Codec 8, 8E and 16). A packet is acknowledged with the number of its
 * records when the intake has made it durable; one with a broken checksum is acknowledged with 0, and
 * the tracker sends it again. Life cycle: it is closed before the intake; after `close` nothing is
 * handed over.
 */
export interface TeltonikaListener {
  /** The real port. Throws LISTEN_FAILED. */
  listen(): Promise<number>
  close(): Promise<void>
  status(): TeltonikaStatus
}

const DEFAULTS = {
  maxPacketBytes: 16 * 1024,
  maxConnections: 10_000,
  loginTimeoutMs: 10_000,
  idleTimeoutMs: 600_000,
  keepUnknown: false,
}

const CHANNEL = 'teltonika-codec8'
/** How often a closing listener looks whether everything is acknowledged. */
const CHECK_MS = 10
/** Unknown trackers that are remembered, so that each is kept as a rejection once a run. */
const MOST_UNKNOWN = 1000

export function createTeltonikaListener(
  given: TeltonikaOptions,
  deps: TeltonikaDeps,
): TeltonikaListener {
  const options = { ...DEFAULTS, ...given }
  const { intake, clock, log } = deps
  const trackers = createTrackers(deps.registry)
  const refusals = createRefusals({ log, monoNs: () => clock.monoNs(), refused: deps.refused })
  const connections = new Set<TrackerConnection>()
  const byImei = new Map<string, TrackerConnection>()
  const unknown = new Set<string>()
  let inFlight = 0
  let acknowledged = 0
  let isClosing = false
  const server = createServer({ allowHalfOpen: true }, welcome)
  intake.onHeldChange((held) => {
    if (!held) for (const connection of connections) connection.resume()
  })
  trackers.onChange(() => {
    for (const [imei, connection] of byImei) {
      if (!('device' in trackers.ownerOf(imei))) connection.finish()
    }
  })

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', (error) => reject(listenFailed(options, error)))
        server.listen(options.port, options.host, () => {
          server.removeAllListeners('error')
          server.on('error', (error) => log.error({ err: error }, 'listener of the trackers'))
          // A TCP server that listens has an address of this form.
          resolve((server.address() as AddressInfo).port)
        })
      }),
    async close() {
      isClosing = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const connection of connections) connection.finish()
      await settled()
      for (const connection of connections) if (connection.isWaiting) connection.destroy()
      await closed
    },
    status: () => ({
      connections: connections.size,
      maxConnections: options.maxConnections,
      inFlight,
      acknowledged,
      refused: { ...refusals.counts },
    }),
  }

  function welcome(socket: Socket): void {
    const from = socket.remoteAddress ?? ''
    if (isClosing) return void socket.destroy()
    if (connections.size >= options.maxConnections) {
      const text = `expected at most ${options.maxConnections} connections, got one more`
      refusals.note('connections', { from }, text)
      return void socket.destroy()
    }
    const connection = openTrackerConnection(socket, options, {
      login: (imei) => login(imei, connection, from),
      get mayTake() {
        return !intake.held && !isClosing
      },
      packet: (frame, done) => accept(connection, frame, done),
      refused: (reason, text) => refusals.note(reason, { from, imei: connection.imei }, text),
      closed() {
        connections.delete(connection)
        const { imei } = connection
        if (imei !== null && byImei.get(imei) === connection) byImei.delete(imei)
      },
    })
    connections.add(connection)
  }

  function login(imei: string, connection: TrackerConnection, from: string): boolean {
    const owner = trackers.ownerOf(imei)
    if ('device' in owner) {
      // A tracker that lost its network comes again before the old connection has noticed.
      byImei.get(imei)?.finish()
      byImei.set(imei, connection)
      return true
    }
    refusals.note(owner.reason, { from, imei }, owner.text)
    if (options.keepUnknown && owner.reason === 'unknown_imei') keep(imei)
    return false
  }

  function accept(
    { imei }: TrackerConnection,
    frame: Buffer,
    done: (error: Error | null) => void,
  ): void {
    const owner = trackers.ownerOf(imei ?? '')
    if (!('device' in owner)) return done(new Error('the device is no longer registered'))
    inFlight += 1
    hand(owner.device, nativeTopic(owner.device, CHANNEL), frame, (error) => {
      inFlight -= 1
      if (!error) acknowledged += 1
      done(error)
    })
  }

  /** Its login becomes a message of nobody, and so a rejection `unknown_device`. */
  function keep(imei: string): void {
    if (unknown.has(imei) || unknown.size >= MOST_UNKNOWN || intake.held) return
    unknown.add(imei)
    hand('', `${CHANNEL}/${imei}`, Buffer.from(imei), () => undefined)
  }

  function hand(
    device: FullId,
    topic: string,
    payload: Buffer,
    done: (error: Error | null) => void,
  ): void {
    const [receivedAtNs, receivedMonoNs] = [clock.nowNs(), clock.monoNs()]
    const flags = { retain: false, dup: false, will: false, origin: null } as const
    intake.accept({ device, topic, payload, qos: 1, ...flags, receivedAtNs, receivedMonoNs }, done)
  }

  /** Resolves when all that was taken is durable, or cannot become so. */
  function settled(): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (inFlight > 0 && !intake.held) return
        clearInterval(timer)
        resolve()
      }
      const timer = setInterval(check, CHECK_MS)
      check()
    })
  }
}

function listenFailed({ host, port }: TeltonikaOptions, error: Error): PlatformError {
  return new PlatformError(
    'LISTEN_FAILED',
    `PADBORG_TELTONIKA_PORT=${port}: cannot listen on ${host} (${messageOf(error)}); stop what ` +
      'uses the port, or set PADBORG_TELTONIKA_PORT to another one (0 takes any free port)',
    { cause: error },
  )
}
