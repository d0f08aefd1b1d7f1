import type { Intake } from '#lib/telemetry/intake.ts'
import type { IncomingMessage } from '#lib/telemetry/message.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Owners } from './owners.ts'
import type { Delivery } from './packets.ts'
import type { Refusals } from './refusals.ts'
import type { DeviceReplies } from './requests.ts'

/** Whoever brings messages: one connection to the foreign broker. */
export interface Bringer {
  /** Answers what to call when the message may be acknowledged; QoS 0 needs none. */
  expectAck(messageId: number): () => void
  /** The intake has given up: the connection ends, and nothing more of it is acknowledged. */
  fail(error: Error): void
}

/** The way of a message of the foreign broker: whose is it, then intake, count or answer. */
export interface Inbox {
  /** False: not now; it is asked for again after `onRoom`. */
  take(delivery: Delivery, from: Bringer): boolean
  /** Runs when messages can be taken again. */
  onRoom(listener: () => void): void
  /** Taken, and not durable yet. */
  readonly inFlight: number
  readonly taken: number
  readonly commands: number
}

export interface InboxDeps {
  readonly intake: Intake
  readonly owners: Owners
  readonly requests: DeviceReplies
  readonly refusals: Refusals
  readonly metrics: Metrics
}

export function createInbox(deps: InboxDeps, maxInFlight: number): Inbox {
  const { intake, owners, requests, refusals, metrics } = deps
  const roomListeners: (() => void)[] = []
  let inFlight = 0
  let taken = 0
  let commands = 0
  let full = false
  intake.onHeldChange((held) => {
    if (!held) tellRoom()
  })

  return {
    take(delivery, from) {
      if (intake.held) return false
      if (inFlight >= maxInFlight) {
        full = true
        return false
      }
      taken += 1
      const { role, device, rivals } = owners.ownerOf(delivery.topic)
      const acknowledge = delivery.qos === 0 ? null : from.expectAck(delivery.messageId)
      if (role === 'unknown') sayUnknown(delivery.topic, rivals)
      if (role === 'intake' || role === 'unknown') accept(delivery, device, acknowledge, from)
      else {
        answerAtOnce(role, device, delivery)
        acknowledge?.()
      }
      return true
    },
    onRoom: (listener) => void roomListeners.push(listener),
    get inFlight() {
      return inFlight
    },
    get taken() {
      return taken
    },
    get commands() {
      return commands
    },
  }

  function accept(
    delivery: Delivery,
    device: FullId,
    acknowledge: (() => void) | null,
    from: Bringer,
  ): void {
    const { topic, payload, qos, retain, dup, atNs, monoNs } = delivery
    const message: IncomingMessage = {
      device,
      topic,
      payload,
      qos,
      retain,
      dup,
      will: false,
      receivedAtNs: atNs,
      receivedMonoNs: monoNs,
      origin: null,
    }
    inFlight += 1
    intake.accept(message, (error) => {
      inFlight -= 1
      if (error) from.fail(error)
      else acknowledge?.()
      if (full && inFlight <= maxInFlight / 2) {
        full = false
        tellRoom()
      }
    })
  }

  /** Never journaled. */
  function answerAtOnce(
    role: 'command' | 'clock' | 'probe' | 'own',
    device: FullId,
    { payload, atNs }: Delivery,
  ): void {
    if (role === 'clock') requests.clock({ device, payload, receivedAtNs: atNs })
    else if (role === 'probe') requests.probe({ device, payload, receivedAtNs: atNs })
    else if (role === 'command') {
      commands += 1
      intake.command(device)
      metrics.count('padborg_commands_total')
    }
  }

  function sayUnknown(topic: string, rivals: readonly FullId[]): void {
    if (rivals.length === 0) {
      const text =
        'no device has this topic; the message is kept as a rejection: register the device'
      return refusals.note('unknown_device', topic, text)
    }
    refusals.note(
      'ambiguous_topic',
      topic,
      `the devices ${rivals.join(' and ')} have this topic; the message is kept as a rejection: ` +
        'change the topics of all but one',
    )
  }

  /** In a turn of its own, so that acknowledgements of this one go out first. */
  function tellRoom(): void {
    setImmediate(() => {
      for (const listener of roomListeners) listener()
    })
  }
}
