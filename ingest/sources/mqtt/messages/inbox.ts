import type { Frame } from '#lib/mqtt/frame.ts'
import type { PublishParts } from '#lib/mqtt/publish.ts'
import type { ReadChunk } from '#lib/mqtt/unread.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { InFlightCount } from '#lib/telemetry/in-flight.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { incomingMessage, type IncomingMessage } from '#lib/telemetry/message.ts'
import type { DeviceReplies } from './device-replies.ts'
import type { Owner, Owners } from './owners.ts'
import { topicField, type Refusals } from './refusals.ts'

/** The connection that brings a message and acknowledges it. */
export interface MessageConnection {
  /** Call the result when the message may be acknowledged. */
  expectAck(messageId: number): () => void
  /** The intake is closing: nothing more is acknowledged. */
  intakeFailed(): void
}

export interface InboxDeps {
  readonly intake: Intake
  readonly owners: Owners
  readonly replies: DeviceReplies
  readonly refusals: Refusals
  readonly metrics: Metrics
  /** Messages can be taken again. */
  readonly onRoom: () => void
}

/** The way of a message of the foreign broker: its owner, then intake, count or reply. */
export class Inbox {
  readonly #deps: InboxDeps
  readonly #maxInFlight: number
  readonly #inFlight: InFlightCount
  #taken = 0
  #commands = 0
  #isFull = false

  constructor(deps: InboxDeps, maxInFlight: number) {
    this.#deps = deps
    this.#maxInFlight = maxInFlight
    this.#inFlight = new InFlightCount(deps.intake)
    deps.intake.onPausedChange((paused) => {
      if (!paused) this.#tellRoom()
    })
  }

  /** Taken and not durable yet. */
  get inFlight(): InFlightCount {
    return this.#inFlight
  }

  get taken(): number {
    return this.#taken
  }

  get commands(): number {
    return this.#commands
  }

  /** False: not now; it is brought again after `onRoom`. */
  take(parts: PublishParts, frame: Frame, chunk: ReadChunk, from: MessageConnection): boolean {
    if (!this.#hasRoom()) return false
    this.#taken += 1
    const topic = chunk.bytes.toString('utf8', parts.topicAt, parts.topicEnd)
    const owner = this.#deps.owners.ownerOf(topic)
    const payload = chunk.bytes.subarray(parts.payloadAt, frame.end)
    const message = incomingMessage({ device: owner.device, topic }, payload, parts, chunk)
    const acknowledge = parts.qos === 0 ? null : from.expectAck(parts.messageId)
    if (owner.role === 'unknown') this.#logUnknown(topic, owner.rivals)
    if (owner.role === 'intake' || owner.role === 'unknown') {
      this.#journal(message, acknowledge, from)
    } else {
      this.#handleAtOnce(owner.role, message)
      acknowledge?.()
    }
    return true
  }

  #hasRoom(): boolean {
    if (this.#deps.intake.paused) return false
    if (this.#inFlight.count < this.#maxInFlight) return true
    this.#isFull = true
    return false
  }

  #journal(
    message: IncomingMessage,
    acknowledge: (() => void) | null,
    from: MessageConnection,
  ): void {
    this.#inFlight.add()
    this.#deps.intake.accept(message, (error) => {
      this.#inFlight.remove()
      if (error) from.intakeFailed()
      else acknowledge?.()
      if (this.#isFull && this.#inFlight.count <= this.#maxInFlight / 2) {
        this.#isFull = false
        this.#tellRoom()
      }
    })
  }

  /** Never journaled; messages of our own that come back are dropped. */
  #handleAtOnce(
    role: Exclude<Owner['role'], 'intake' | 'unknown'>,
    message: IncomingMessage,
  ): void {
    const { replies, intake, metrics } = this.#deps
    if (role === 'clock') replies.clock(message)
    else if (role === 'probe') replies.probe(message)
    else if (role === 'command') {
      this.#commands += 1
      intake.command(message.device)
      metrics.count('padborg_commands_total')
    }
  }

  #logUnknown(topic: string, rivals: readonly FullId[]): void {
    if (rivals.length === 0) {
      const text =
        'no device has this topic; the message is kept as a rejection: register the device'
      return this.#deps.refusals.note('unknown_device', topicField(topic), text)
    }
    this.#deps.refusals.note(
      'ambiguous_topic',
      topicField(topic),
      `the devices ${rivals.join(' and ')} have this topic; the message is kept as a rejection: ` +
        'change the topics of all but one',
    )
  }

  /** In a turn of its own, so that acknowledgements of this one go out first. */
  #tellRoom(): void {
    setImmediate(() => this.#deps.onRoom())
  }
}
