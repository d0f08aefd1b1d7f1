import { Qlobber } from 'qlobber'
import type { Qos } from '#lib/telemetry/message.ts'
import { MATCHER_OPTIONS } from '../aedes/emitter.ts'
import { accountOf } from '../connections/connections.ts'
import type { SessionFile } from './session-file.ts'

export interface Subscription {
  readonly topic: string
  readonly qos: Qos
}

export interface StoredSubscriptionsDeps {
  readonly file: SessionFile
  readonly onChange: () => void
  /** A session has lost its last subscription. */
  readonly onGone: (id: string) => void
}

/** Persistent sessions of one account; above it the oldest goes. */
export const MAX_SESSIONS_PER_ACCOUNT = 64

/** The subscriptions of persistent sessions, by scoped client id, in memory and in `broker.db`. */
export class StoredSubscriptions {
  readonly #deps: StoredSubscriptionsDeps
  readonly #sessions = new Map<string, Map<string, Qos>>()
  readonly #idsByAccount = new Map<string, Set<string>>()
  /** The QoS, then the id: which QoS a session granted is needed for each message. */
  readonly #matcher = new Qlobber<string>(MATCHER_OPTIONS)

  constructor(deps: StoredSubscriptionsDeps) {
    this.#deps = deps
    for (const { client, filter, qos } of deps.file.subscriptions()) this.#put(client, filter, qos)
  }

  add(id: string, subscriptions: readonly Subscription[]): void {
    this.#makeRoomFor(id)
    for (const { topic, qos } of subscriptions) {
      this.#put(id, topic, qos)
      this.#deps.file.putSubscription(id, topic, qos)
    }
    this.#deps.onChange()
  }

  remove(id: string, filters: readonly string[]): void {
    const known = this.#sessions.get(id)
    if (!known) return
    for (const filter of filters) {
      const qos = known.get(filter)
      if (qos === undefined) continue
      if (qos > 0) this.#matcher.remove(filter, `${qos}${id}`)
      known.delete(filter)
      this.#deps.file.putSubscription(id, filter, null)
    }
    if (known.size === 0) this.#forget(id)
    this.#deps.onChange()
  }

  clear(id: string): void {
    this.remove(id, [...(this.#sessions.get(id)?.keys() ?? [])])
  }

  of(id: string): readonly Subscription[] {
    return [...(this.#sessions.get(id) ?? [])].map(([topic, qos]) => ({ topic, qos }))
  }

  ids(): readonly string[] {
    return [...this.#sessions.keys()]
  }

  /** Sessions with a subscription of QoS 1 or 2 that matches, and the highest QoS of those. */
  match(topic: string): ReadonlyMap<string, Qos> {
    const sessions = new Map<string, Qos>()
    for (const entry of this.#matcher.match(topic)) {
      const id = entry.slice(1)
      const qos = entry.startsWith('2') ? 2 : 1
      if (qos === 2 || !sessions.has(id)) sessions.set(id, qos)
    }
    return sessions
  }

  #put(id: string, filter: string, qos: Qos): void {
    const filters = this.#sessions.get(id) ?? new Map<string, Qos>()
    if (filters.size === 0) this.#idsOf(id).add(id)
    this.#sessions.set(id, filters)
    const before = filters.get(filter) ?? 0
    if (before > 0) this.#matcher.remove(filter, `${before}${id}`)
    if (qos > 0) this.#matcher.add(filter, `${qos}${id}`)
    filters.set(filter, qos)
  }

  #forget(id: string): void {
    this.#sessions.delete(id)
    const ids = this.#idsOf(id)
    ids.delete(id)
    if (ids.size === 0) this.#idsByAccount.delete(accountOf(id))
    this.#deps.onGone(id)
  }

  #makeRoomFor(id: string): void {
    const ids = this.#idsOf(id)
    const [oldest] = ids
    if (ids.size >= MAX_SESSIONS_PER_ACCOUNT && !ids.has(id) && oldest !== undefined)
      this.clear(oldest)
  }

  #idsOf(id: string): Set<string> {
    const account = accountOf(id)
    const ids = this.#idsByAccount.get(account) ?? new Set<string>()
    this.#idsByAccount.set(account, ids)
    return ids
  }
}
