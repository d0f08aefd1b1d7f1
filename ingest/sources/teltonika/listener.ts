import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { listenFailed } from '#lib/runtime/network/listen-failed.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { InFlightCount } from '#lib/telemetry/in-flight.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import { sourceMessage } from '../source-message.ts'
import { ImeiOwners, type TrackerRegistry } from './imei-owners.ts'
import { withDefaults, type TeltonikaOptions, type TeltonikaSettings } from './options.ts'
import { createRefusals, type RefusalReason, type Refusals } from './refusals.ts'
import { TrackerConnection, type ConnectionEvents } from './tracker-connection.ts'

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

type Done = (error: Error | null) => void

const CHANNEL = 'teltonika-codec8'
/** Unknown trackers that are remembered, so that each is kept as a rejection once a run. */
const MAX_UNKNOWN = 1000

/**
 * Trackers of Teltonika over TCP (Codec 8, 8E and 16). A packet is acknowledged with the number of its
 * records when the intake has made it durable; one with a broken checksum is acknowledged with 0, and
 * the tracker sends it again. Life cycle: it is closed before the intake; after `close` nothing is
 * handed over.
 */
export class TeltonikaListener {
  readonly #options: TeltonikaSettings
  readonly #deps: TeltonikaDeps
  readonly #server: Server
  readonly #owners: ImeiOwners
  readonly #refusals: Refusals
  readonly #inFlight: InFlightCount
  readonly #connections = new Set<TrackerConnection>()
  readonly #byImei = new Map<string, TrackerConnection>()
  readonly #unknown = new Set<string>()
  readonly #events: ConnectionEvents
  #acknowledged = 0
  #isClosing = false

  constructor(options: TeltonikaOptions, deps: TeltonikaDeps) {
    const { intake, registry, clock, log, refused } = deps
    this.#options = withDefaults(options)
    this.#deps = deps
    this.#owners = new ImeiOwners(registry, () => this.#finishUnowned())
    this.#refusals = createRefusals({ log, monoNs: () => clock.monoNs(), refused })
    this.#inFlight = new InFlightCount(intake)
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
    this.#events = this.#connectionEvents()
    intake.onPausedChange((paused) => {
      if (!paused) for (const connection of this.#connections) connection.resume()
    })
  }

  /** The real port. Throws LISTEN_FAILED. */
  listen(): Promise<number> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) =>
        reject(listenFailed('PADBORG_TELTONIKA_PORT', { host, port }, error)),
      )
      this.#server.listen(port, host, () => {
        this.#server.removeAllListeners('error')
        this.#server.on('error', (error) =>
          this.#deps.log.error({ err: error }, 'the listener of the trackers failed'),
        )
        // A TCP server that listens has an address of this form.
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  async close(): Promise<void> {
    this.#isClosing = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections) connection.finish()
    await this.#inFlight.drainedOrPaused()
    for (const connection of this.#connections) if (connection.isWaiting) connection.destroy()
    await closed
  }

  status(): TeltonikaStatus {
    return {
      connections: this.#connections.size,
      maxConnections: this.#options.maxConnections,
      inFlight: this.#inFlight.count,
      acknowledged: this.#acknowledged,
      refused: { ...this.#refusals.counts },
    }
  }

  #accept(socket: Socket): void {
    const { maxConnections } = this.#options
    if (this.#isClosing) return void socket.destroy()
    if (this.#connections.size >= maxConnections) {
      const text = `expected at most ${maxConnections} connections, got one more`
      this.#refuse('connections', { from: socket.remoteAddress ?? '' }, text)
      return void socket.destroy()
    }
    this.#connections.add(new TrackerConnection(socket, this.#options, this.#events))
  }

  #connectionEvents(): ConnectionEvents {
    return {
      login: (imei, connection) => this.#login(imei, connection),
      mayTake: () => !this.#deps.intake.paused && !this.#isClosing,
      packet: (imei, frame, done) => this.#take(imei, frame, done),
      refused: ({ from, imei }, reason, text) => this.#refuse(reason, { from, imei }, text),
      closed: (connection) => this.#forget(connection),
    }
  }

  #login(imei: string, connection: TrackerConnection): boolean {
    const owner = this.#owners.ownerOf(imei)
    if ('device' in owner) {
      // A tracker that lost its network connects again before the old connection has noticed.
      this.#byImei.get(imei)?.finish()
      this.#byImei.set(imei, connection)
      return true
    }
    this.#refuse(owner.reason, { from: connection.from, imei }, owner.text)
    if (this.#options.keepUnknown && owner.reason === 'unknown_imei') this.#keepUnknown(imei)
    return false
  }

  #refuse(reason: RefusalReason, fields: Readonly<Record<string, unknown>>, text: string): void {
    this.#refusals.note(reason, fields, `tracker: ${text}`)
  }

  #forget(connection: TrackerConnection): void {
    const { imei } = connection
    this.#connections.delete(connection)
    if (imei !== null && this.#byImei.get(imei) === connection) this.#byImei.delete(imei)
  }

  #take(imei: string, frame: Buffer, done: Done): void {
    const owner = this.#owners.ownerOf(imei)
    if (!('device' in owner)) return done(new Error('the device is no longer registered'))
    this.#inFlight.add()
    this.#handOver(owner.device, nativeTopic(owner.device, CHANNEL), frame, (error) => {
      this.#inFlight.remove()
      if (!error) this.#acknowledged += 1
      done(error)
    })
  }

  /** The login becomes a message without a device, and so a rejection `unknown_device`. */
  #keepUnknown(imei: string): void {
    const isFull = this.#unknown.size >= MAX_UNKNOWN
    if (this.#unknown.has(imei) || isFull || this.#deps.intake.paused) return
    this.#unknown.add(imei)
    this.#handOver('', `${CHANNEL}/${imei}`, Buffer.from(imei), () => undefined)
  }

  #handOver(device: FullId, topic: string, payload: Buffer, done: Done): void {
    const { intake, clock } = this.#deps
    intake.accept(sourceMessage({ device, topic }, payload, clock), done)
  }

  /** Devices have changed: a connection ends whose IMEI no longer has an owner. */
  #finishUnowned(): void {
    for (const [imei, connection] of this.#byImei) {
      if (!('device' in this.#owners.ownerOf(imei))) connection.finish()
    }
  }
}
