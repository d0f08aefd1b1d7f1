import { Qlobber } from 'qlobber'
import type { Qos } from '#lib/telemetry/message.ts'

/** A message as it goes to subscribers; Aedes copies it for each of them. */
export interface ForwardPacket {
  readonly cmd: 'publish'
  readonly brokerId: string
  readonly brokerCounter: number
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
  readonly dup: false
  readonly messageId: undefined
}

export type Deliver = (packet: object, done: () => void) => void

/**
 * Finds the subscribers of a topic, in place of mqemitter: that one queues above its concurrency and
 * then empties its queue by recursion, until the stack is full. Messages do not come this way but from
 * `forward.ts`, which limits how many are on their way; Aedes itself only tells what nobody may read.
 */
export interface Emitter {
  on(topic: string, deliver: Deliver, done?: () => void): void
  removeListener(topic: string, deliver: Deliver, done?: () => void): void
  emit(packet: { readonly topic: string }, done?: () => void): void
  close(done?: () => void): void
  /** Who subscribes to a topic; later subscriptions do not change the list. */
  subscribersOf(topic: string): readonly Deliver[]
}

/** The matcher of Aedes: `+` may stand for an empty level ([MQTT-4.7.1-3]). */
export const MATCHER_OPTIONS = {
  separator: '/',
  wildcard_one: '+',
  wildcard_some: '#',
  match_empty_levels: true,
} as const

/** Topics whose subscribers are remembered; when there are more, all are looked up again. */
const MAX_REMEMBERED = 10_000

/** `onChange` is called for each subscription that is added or removed. */
export function createEmitter(onChange: () => void): Emitter {
  const matcher = new Qlobber<Deliver>(MATCHER_OPTIONS)
  const known = new Map<string, readonly Deliver[]>()

  function match(topic: string): readonly Deliver[] {
    const remembered = known.get(topic)
    if (remembered) return remembered
    const found = matcher.match(topic)
    if (known.size >= MAX_REMEMBERED) known.clear()
    known.set(topic, found)
    return found
  }

  function changed(done: (() => void) | undefined): void {
    known.clear()
    onChange()
    if (done) setImmediate(done)
  }

  return {
    on(topic, deliver, done) {
      matcher.add(topic, deliver)
      changed(done)
    },
    removeListener(topic, deliver, done) {
      matcher.remove(topic, deliver)
      changed(done)
    },
    emit(packet, done) {
      const delivers = match(packet.topic)
      if (delivers.length === 0) return done?.()
      let left = delivers.length
      const delivered = () => {
        left -= 1
        if (left === 0) done?.()
      }
      for (const deliver of delivers) deliver(packet, delivered)
    },
    close(done) {
      if (done) setImmediate(done)
    },
    subscribersOf: match,
  }
}
