import { Readable } from 'node:stream'
import type { Queued } from '../sessions/offline-queue.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { Subscribing } from '../sessions/subscribing.ts'
import type { Subscription } from '../sessions/stored-subscriptions.ts'

interface ClientId {
  readonly id: string
}

/**
 * The interface of aedes-persistence, as far as Aedes still calls it: messages come in past it, and a
 * will is kept by its connection, because an ended process has no wills to publish. Aedes hands over
 * all filters of a SUBSCRIBE, once for each of them and also those it has just refused: they are kept
 * once, and `mayKeep` decides again.
 */
export function createPersistence(
  sessions: Sessions,
  subscribing: Subscribing,
  mayKeep: (client: ClientId, filter: string) => boolean,
) {
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
    subscriptionsByClient: async ({ id }: ClientId) => subscriptions.of(id),
    subscriptionsByTopic: async (): Promise<readonly Subscription[]> => [],
    cleanSubscriptions: async ({ id }: ClientId) => subscriptions.clear(id),
    outgoingEnqueueCombi: async (): Promise<void> => {},
    outgoingUpdate: async ({ id }: ClientId, packet: Queued) =>
      sessions.queueOf(id)?.update(packet),
    outgoingClearMessageId: async ({ id }: ClientId, packet: Queued) =>
      sessions.queueOf(id)?.remove(packet),
    outgoingStream: ({ id }: ClientId) => Readable.from(sessions.queueOf(id)?.list() ?? []),
    putWill: async (): Promise<void> => {},
    delWill: async (): Promise<void> => {},
    streamWill: () => Readable.from([]),
  }
}
