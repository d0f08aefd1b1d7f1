import { Readable } from 'node:stream'
import type { Turns } from '#lib/runtime/threads/turns.ts'
import type { BackPressure } from '../connections/back-pressure.ts'
import type { Connection } from '../connections/connection.ts'
import { retainedDelivery } from './retained-delivery.ts'
import type { RetainedMessages } from './retained-messages.ts'

export interface SubscribingDeps {
  readonly retained: RetainedMessages
  readonly backPressure: BackPressure
  readonly turns: Turns
}

/** The QoS of a filter that was refused. */
const REFUSED = 128

/** One SUBSCRIBE of a connection at a time, from its packet until its retained messages are sent. */
export class Subscribing {
  readonly #deps: SubscribingDeps
  #latest: Connection | null = null

  constructor(deps: SubscribingDeps) {
    this.#deps = deps
  }

  /** Pauses the connection while an earlier one is not finished. */
  mayBegin(connection: Connection): boolean {
    if (connection.isSubscribing) this.#deps.backPressure.pause(connection, 'busy')
    return !connection.isSubscribing
  }

  begin(connection: Connection): void {
    connection.isSubscribing = true
  }

  /** Called right before Aedes looks for the retained messages of the granted filters. */
  granted(connection: Connection, subscriptions: readonly { readonly qos: number }[]): void {
    this.#latest = connection
    if (subscriptions.every(({ qos }) => qos === REFUSED)) this.#end(connection)
  }

  /** The retained messages for the filters that were granted last. */
  retainedFor(filters: readonly string[]): Readable {
    const connection = this.#latest
    if (!connection) return Readable.from([])
    const { retained, turns } = this.#deps
    const done = () => this.#end(connection)
    return retainedDelivery(retained, { turns, connection, done }, filters)
  }

  #end(connection: Connection): void {
    connection.isSubscribing = false
    this.#deps.backPressure.resume(connection, 'busy')
  }
}
