import { Readable } from 'node:stream'
import type { Queued } from '../sessions/offline-queue.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Subscribing } from '../sessions/subscribing.ts'
import type { Subscription } from '../sessions/stored-subscriptions.ts'

interface ClientId {
  readonly id: string
}

export interface PersistenceParts {
  readonly sessions: Sessions
  readonly subscribing: Subscribing
  readonly mayKeep: (client: ClientId, filter: string) => boolean
  /** Whether messages of QoS 2 of a session wait for their PUBREL. */
  readonly isUnfinished: (id: string) => boolean
  readonly isClosed: (client: ClientId) => boolean
}

/**
 * Stands for the subscriptions of a session that has none, and is never granted: Aedes says in CONNACK that
 * there is a session only where there are subscriptions.
 */
export const NO_SUBSCRIPTION: Subscription = { topic: '$session', qos: 0 }

/**
 * The interface of aedes-persistence, as far as Aedes still calls it: messages come in past it, and a
 * will is kept by its connection, because an ended process has no wills to publish. Aedes hands over
 * all filters of a SUBSCRIBE, once for each of them and also those it has just refused: they are kept
 * once, and `mayKeep` decides again.
 */
export function createPersistence(parts: PersistenceParts) {
  const { sessions, subscribing, mayKeep, isUnfinished, isClosed } = parts
  const { file, subscriptions } = sessions
  let latest: readonly Subscription[] | null = null
  return {
    async setup(): Promise<void> {},
    storeRetained: async (): Promise<void> => {},
    createRetainedStreamCombi: (filters: readonly string[]) => subscribing.retainedFor(filters),
    async addSubscriptions(client: ClientId, added: readonly Subscription[]) {
      if (added !== latest) {
        latest = added
        subscriptions.add(
          client.id,
          added.filter(({ topic }) => mayKeep(client, topic)),
        )
      }
      await file.written()
    },
    async removeSubscriptions({ id }: ClientId, filters: readonly string[]) {
      subscriptions.remove(id, filters)
      await file.written()
    },
    async subscriptionsByClient({ id }: ClientId) {
      const known = subscriptions.of(id)
      return known.length === 0 && isUnfinished(id) ? [NO_SUBSCRIPTION] : known
    },
    subscriptionsByTopic: async (): Promise<readonly Subscription[]> => [],
    cleanSubscriptions: async ({ id }: ClientId) => subscriptions.clear(id),
    outgoingEnqueueCombi: async (): Promise<void> => {},
    outgoingUpdate: async ({ id }: ClientId, packet: Queued) =>
      sessions.queueOf(id)?.update(packet),
    outgoingClearMessageId: async ({ id }: ClientId, packet: Queued) =>
      sessions.queueOf(id)?.remove(packet),
    outgoingStream: (client: ClientId) =>
      Readable.from(whileOpen(sessions.queueOf(client.id)?.toSend() ?? [], () => isClosed(client))),
    putWill: async (): Promise<void> => {},
    delWill: async (): Promise<void> => {},
    streamWill: () => Readable.from([]),
  }
}

function* whileOpen<T>(values: Iterable<T>, isClosed: () => boolean): Generator<T> {
  for (const value of values) {
    if (isClosed()) return
    yield value
  }
}
