import type { Clock } from '#lib/runtime/clock.ts'
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
  readonly clock: Clock
}

/** Wills that wait while the journal takes nothing. */
const MAX_WAITING = 20_000

/** The last wills of connections that broke: journaled like a PUBLISH, acknowledged to nobody. */
export class Wills {
  readonly #deps: WillsDeps
  #waiting: { readonly connection: Connection; readonly will: Will }[] = []

  constructor(deps: WillsDeps) {
    this.#deps = deps
  }

  publish(connection: Connection, will: Will): void {
    const { intake, rights, forward, inFlight, clock } = this.#deps
    const topic = rights.topicOf(connection, will.topic)
    if (topic.route === null) return
    if (intake.paused) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push({ connection, will })
      return
    }
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
    const waiting = this.#waiting
    this.#waiting = []
    for (const { connection, will } of waiting) this.publish(connection, will)
  }
}
