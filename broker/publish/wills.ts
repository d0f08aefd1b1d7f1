import type { Clock } from '#lib/runtime/clock.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { incomingMessage } from '#lib/telemetry/message.ts'
import type { PublishRights } from '../access/publish-rights.ts'
import type { Will } from '../aedes/aedes-client.ts'
import type { Connection } from '../connections/connection.ts'
import { outgoingOf, type Forward } from './forward.ts'
import type { InFlight } from './in-flight.ts'

export interface WillsDeps {
  readonly intake: Intake
  readonly rights: PublishRights
  readonly inFlight: InFlight
  readonly forward: Forward
  readonly metrics: Metrics
  readonly clock: Clock
}

/** Wills that wait while the journal takes nothing, of one tenant; above it they are dropped and counted. */
export const MAX_WAITING_WILLS = 5000
/** Waiting wills that are published in one turn of the event loop. */
const WILLS_PER_TURN = 100

interface Waiting {
  readonly connection: Connection
  readonly will: Will
}

/** The last wills of connections that broke: journaled like a PUBLISH, acknowledged to nobody. */
export class Wills {
  readonly #deps: WillsDeps
  /** By tenant, which take turns. */
  readonly #waiting = new Map<string, Set<Waiting>>()
  #isScheduled = false

  constructor(deps: WillsDeps) {
    this.#deps = deps
  }

  publish(connection: Connection, will: Will): void {
    const { intake, rights, forward, inFlight, clock } = this.#deps
    const topic = rights.topicOf(connection, will.topic)
    if (topic.route === null) return
    if (intake.paused) return this.#wait({ connection, will })
    const flags = { qos: will.qos, retain: will.retain, dup: false }
    const read = { receivedAtNs: clock.nowNs(), receivedMonoNs: clock.monoNs() }
    const payload = Buffer.from(will.payload)
    const message = { ...incomingMessage(topic, payload, flags, read), will: true }
    const outgoing = outgoingOf(topic, message, false)
    if (topic.route.role !== 'intake') return forward.send(outgoing)
    inFlight.add(null)
    intake.accept(message, (error) => {
      inFlight.remove(null)
      if (!error && forward.isWanted(topic, will.retain)) forward.send(outgoing)
    })
  }

  /** The journal takes messages again. */
  publishWaiting(): void {
    if (this.#isScheduled || this.#waiting.size === 0) return
    this.#isScheduled = true
    setImmediate(() => this.#publishSome())
  }

  #wait(one: Waiting): void {
    const { prefix } = one.connection
    const waiting = this.#waiting.get(prefix) ?? new Set()
    if (waiting.size < MAX_WAITING_WILLS) this.#waiting.set(prefix, waiting.add(one))
    else this.#deps.metrics.count('padborg_mqtt_shed_total', 1, { reason: 'wills' })
  }

  #publishSome(): void {
    this.#isScheduled = false
    for (let n = 0; n < WILLS_PER_TURN && !this.#deps.intake.paused; n += 1) {
      const [first] = this.#waiting
      if (!first) return
      const [prefix, waiting] = first
      const [one] = waiting
      // Behind the other tenants, if more of its own wait.
      this.#waiting.delete(prefix)
      if (!one) continue
      waiting.delete(one)
      if (waiting.size > 0) this.#waiting.set(prefix, waiting)
      this.publish(one.connection, one.will)
    }
    if (!this.#deps.intake.paused) this.publishWaiting()
  }
}
