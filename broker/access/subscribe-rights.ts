import type { Directory } from '#lib/registry/topics/directory.ts'
import type { Connection } from '../connections/connection.ts'
import type { Refusals } from './refusals.ts'
import { levelsOf } from './tenant-topics.ts'

/** Filters of one connection: each costs memory, and time for every message that is matched. */
const MAX_FILTERS = 1000
/** Characters of a filter in a log line. */
const MAX_SHOWN = 200

/** Who may subscribe where. */
export class SubscribeRights {
  readonly #directory: Directory
  readonly #refusals: Refusals
  readonly #maxTopicLevels: number

  constructor(directory: Directory, refusals: Refusals, maxTopicLevels: number) {
    this.#directory = directory
    this.#refusals = refusals
    this.#maxTopicLevels = maxTopicLevels
  }

  /** Whether the account of a connection may read a scoped filter. */
  mayRead({ account, prefix }: Connection, scopedFilter: string): boolean {
    if (!account || !scopedFilter.startsWith(prefix)) return false
    const filter = scopedFilter.slice(prefix.length)
    return levelsOf(filter) <= this.#maxTopicLevels && this.#directory.mayRead(account, filter)
  }

  /** Whether a subscription is granted; a refused one is counted and logged. */
  grant(connection: Connection, scopedFilter: string): boolean {
    const { subscriptions } = connection.client
    const filter = scopedFilter.slice(connection.prefix.length)
    const shown = filter.slice(0, MAX_SHOWN)
    if (levelsOf(filter) > this.#maxTopicLevels) {
      const text =
        `expected a filter of at most ${this.#maxTopicLevels} levels, got ${levelsOf(filter)}; use ` +
        'a shorter one, or raise PADBORG_MQTT_MAX_TOPIC_LEVELS'
      return this.#refuse(connection, 'topic_levels', text)
    }
    if (!this.mayRead(connection, scopedFilter)) {
      const text = `this account may not subscribe to ${shown}; see docs/devices.md`
      return this.#refuse(connection, 'subscribe', text)
    }
    if (Object.hasOwn(subscriptions, scopedFilter)) return true
    if (connection.filters < 0) connection.filters = Object.keys(subscriptions).length
    if (connection.filters >= MAX_FILTERS) {
      const text = `expected at most ${MAX_FILTERS} filters, got one more (${shown}); use wildcards`
      return this.#refuse(connection, 'filters', text)
    }
    connection.filters += 1
    return true
  }

  #refuse(
    connection: Connection,
    reason: 'topic_levels' | 'subscribe' | 'filters',
    text: string,
  ): false {
    this.#refusals.note(connection, reason, text)
    return false
  }
}
