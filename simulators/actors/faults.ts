import type { Outgoing } from '../messages/outgoing.ts'
import type { Actor } from './actor.ts'

/** A deliberate fault of a device. */
export interface Fault {
  /** One in so many messages. */
  readonly oneIn: number
  readonly change: (message: Outgoing, count: number) => readonly Outgoing[]
}

/** Firmware that sometimes writes half a message, a number as a word, or an unknown kind. */
export const malformed = (oneIn: number): Fault => ({
  oneIn,
  change: ({ topic, payload }, count) => [{ topic, payload: broken(payload, count) }],
})

/** A modem driver that sends the same bytes again, without the DUP flag. */
export const repeating = (oneIn: number): Fault => ({
  oneIn,
  change: (message) => [message, message],
})

/** The same actor with a fault; its probes, online and offline messages are unchanged. */
export function withFault(actor: Actor, { oneIn, change }: Fault): Actor {
  let count = 0
  return {
    ...actor,
    act(atMs, dtMs) {
      const { outgoing, delay } = actor.act(atMs, dtMs)
      const changed = outgoing.flatMap((message) => {
        count += 1
        return count % oneIn === 0 ? change(message, count / oneIn) : [message]
      })
      return { outgoing: changed, delay }
    },
  }
}

function broken(payload: string, count: number): string {
  if (count % 3 === 0) return payload.replace(/"speedKmh":[\d.]+/, '"speedKmh":"fast"')
  if (count % 3 === 1) return payload.slice(0, Math.floor(payload.length / 2))
  return payload.replace('"kind":"truck"', '"kind":"lorry"')
}
