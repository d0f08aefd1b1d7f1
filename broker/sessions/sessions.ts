import { Readable } from 'node:stream'
import { Qlobber } from 'qlobber'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Qos } from '#lib/telemetry/message.ts'
import { MATCHER_OPTIONS, type ForwardPacket } from '../aedes/emitter.ts'
import { createOfflineQueue, type OfflineQueue, type Queued } from './offline-queue.ts'
import { createRetained, type Retained } from './retained.ts'
import type { SessionFile } from './session-file.ts'

export interface Subscription {
  readonly topic: string
  readonly qos: Qos
}
interface ClientId {
  readonly id: string
}

/** Subscriptions and queues of persistent sessions, and retained messages: all by scoped names. */
export interface Sessions {
  retain(topic: string, payload: Uint8Array, qos: Qos): void
  /** Queues a message of QoS 1 or 2 for each persistent session that subscribed to its topic. */
  enqueue(packet: ForwardPacket): void
  hasStored(topic: string): boolean
  /** Drops the sessions of all clients whose scoped id begins so. */
  forgetClients(start: string): void
  /** Drops the retained messages on all scoped topics that begin so. */
  forgetRetained(start: string): void
  /** What Aedes asks of a persistence. */
  readonly persistence: Persistence
}

export interface SessionsDeps {
  readonly file: SessionFile
  readonly metrics: Metrics
  /** Aedes hands over all filters of a SUBSCRIBE, also those it has just refused. */
  readonly mayKeep: (client: ClientId, filter: string) => boolean
  readonly onChange: () => void
}

/** Persistent sessions of one account; above it the oldest goes. */
const MOST_PER_ACCOUNT = 64

export type Persistence = ReturnType<typeof createPersistence>

export function createSessions(deps: SessionsDeps, maxOfflineMessages: number): Sessions {
  const { file, metrics } = deps
  const retained = createRetained(file)
  const queues = new Map<string, OfflineQueue>()
  const stored = createStored(deps, (id) => queues.delete(id))

  function queueOf(id: string): OfflineQueue {
    const known = queues.get(id) ?? createOfflineQueue(maxOfflineMessages)
    queues.set(id, known)
    return known
  }

  return {
    retain(topic, payload, qos) {
      if (retained.put({ topic, payload, qos })) return
      metrics.count('padborg_mqtt_shed_total', 1, { reason: 'retained' })
    },
    enqueue(packet) {
      for (const client of stored.match(packet.topic)) {
        if (queueOf(client).add(packet)) continue
        metrics.count('padborg_mqtt_shed_total', 1, { reason: 'offline_queue' })
      }
    },
    hasStored: (topic) => stored.match(topic).size > 0,
    forgetClients(start) {
      for (const id of stored.ids()) if (id.startsWith(start)) stored.clear(id)
    },
    forgetRetained: (start) => retained.forgetBelow(start),
    persistence: createPersistence({ file, stored, queues, retained }),
  }
}

interface Stored {
  add(client: ClientId, subscriptions: readonly Subscription[]): void
  remove(id: string, filters: readonly string[]): void
  clear(id: string): void
  of(id: string): readonly Subscription[]
  ids(): readonly string[]
  /** Sessions with a subscription of QoS 1 or 2 that matches. */
  match(topic: string): ReadonlySet<string>
}

function createStored(
  { file, mayKeep, onChange }: SessionsDeps,
  onGone: (id: string) => void,
): Stored {
  const sessions = new Map<string, Map<string, Qos>>()
  const accounts = new Map<string, Set<string>>()
  const matcher = new Qlobber<string>(MATCHER_OPTIONS)
  for (const { client, filter, qos } of file.subscriptions()) put(client, filter, qos)

  function put(id: string, filter: string, qos: Qos): void {
    const filters = sessions.get(id) ?? new Map<string, Qos>()
    if (filters.size === 0) idsOf(id).add(id)
    sessions.set(id, filters)
    if ((filters.get(filter) ?? 0) > 0) matcher.remove(filter, id)
    if (qos > 0) matcher.add(filter, id)
    filters.set(filter, qos)
  }

  function remove(id: string, filters: readonly string[]): void {
    const known = sessions.get(id)
    if (!known) return
    for (const filter of filters) {
      const qos = known.get(filter)
      if (qos === undefined) continue
      if (qos > 0) matcher.remove(filter, id)
      known.delete(filter)
      file.putSubscription(id, filter, null)
    }
    if (known.size === 0) gone(id)
    onChange()
  }

  function gone(id: string): void {
    sessions.delete(id)
    const ids = idsOf(id)
    ids.delete(id)
    if (ids.size === 0) accounts.delete(accountOf(id))
    onGone(id)
  }

  function idsOf(id: string): Set<string> {
    const account = accountOf(id)
    const ids = accounts.get(account) ?? new Set<string>()
    accounts.set(account, ids)
    return ids
  }

  const clear = (id: string) => remove(id, [...(sessions.get(id)?.keys() ?? [])])

  function makeRoomFor(id: string): void {
    const ids = idsOf(id)
    const [oldest] = ids
    if (ids.size >= MOST_PER_ACCOUNT && !ids.has(id) && oldest !== undefined) clear(oldest)
  }

  return {
    add(client, subscriptions) {
      makeRoomFor(client.id)
      for (const { topic, qos } of subscriptions) {
        if (!mayKeep(client, topic)) continue
        put(client.id, topic, qos)
        file.putSubscription(client.id, topic, qos)
      }
      onChange()
    },
    remove,
    clear,
    of: (id) => [...(sessions.get(id) ?? [])].map(([topic, qos]) => ({ topic, qos })),
    ids: () => [...sessions.keys()],
    match: (topic) => new Set(matcher.match(topic)),
  }
}

/** A scoped client id begins with its account (`authenticate.ts`). */
function accountOf(id: string): string {
  return id.slice(0, id.indexOf('/'))
}

interface PersistenceParts {
  readonly file: SessionFile
  readonly stored: Stored
  readonly queues: Map<string, OfflineQueue>
  readonly retained: Retained
}

/**
 * The interface of aedes-persistence, as far as Aedes still calls it: messages come in past it, and a
 * will is kept by its connection, because an ended process has no wills to publish.
 */
function createPersistence({ file, stored, queues, retained }: PersistenceParts) {
  return {
    async setup(): Promise<void> {},
    storeRetained: async (): Promise<void> => {},
    createRetainedStreamCombi: (filters: readonly string[]) =>
      Readable.from(filters.flatMap((filter) => retained.matching(filter))),
    async addSubscriptions(client: ClientId, subscriptions: readonly Subscription[]) {
      stored.add(client, subscriptions)
      await file.written()
    },
    async removeSubscriptions({ id }: ClientId, filters: readonly string[]) {
      stored.remove(id, filters)
      await file.written()
    },
    subscriptionsByClient: async ({ id }: ClientId) => stored.of(id),
    subscriptionsByTopic: async (): Promise<readonly Subscription[]> => [],
    cleanSubscriptions: async ({ id }: ClientId) => stored.clear(id),
    outgoingEnqueueCombi: async (): Promise<void> => {},
    outgoingUpdate: async ({ id }: ClientId, packet: Queued) => queues.get(id)?.update(packet),
    outgoingClearMessageId: async ({ id }: ClientId, packet: Queued) =>
      queues.get(id)?.remove(packet),
    outgoingStream: ({ id }: ClientId) => Readable.from(queues.get(id)?.list() ?? []),
    putWill: async (): Promise<void> => {},
    delWill: async (): Promise<void> => {},
    streamWill: () => Readable.from([]),
  }
}
