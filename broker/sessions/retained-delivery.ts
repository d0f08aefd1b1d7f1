import { Readable } from 'node:stream'
import type { Turns } from '#lib/runtime/threads/turns.ts'
import type { Connection } from '../connections/connection.ts'
import type { RetainedMessage } from './session-file.ts'
import type { RetainedMessages } from './retained-messages.ts'

/** Levels of the topic tree that are looked at, or messages that are sent, in one slice. */
export const RETAINED_SLICE = 100

/**
 * The retained messages for one SUBSCRIBE, found and sent in slices: of all tenants that wait only one
 * slice is done in each turn of the event loop. It ends with its connection, and `done` is called once.
 */
export function retainedDelivery(
  retained: RetainedMessages,
  { turns, connection, done }: { turns: Turns; connection: Connection; done: () => void },
  filters: readonly string[],
): Readable {
  return Readable.from(slices())

  async function* slices(): AsyncGenerator<RetainedMessage> {
    let left = 0
    try {
      for (const filter of filters) {
        for (const message of retained.matching(filter)) {
          if (left === 0) {
            await turns.next(connection.prefix)
            left = RETAINED_SLICE
          }
          left -= 1
          if (connection.stage === 'closed') return
          if (message !== null) yield message
        }
      }
    } finally {
      done()
    }
  }
}
