import type { Directory } from '#lib/registry/index/directory.ts'
import type { Connection } from '../connections/connection.ts'
import type { Refusals } from './refusals.ts'
import { levelsOf } from './tenant-topics.ts'

export interface SubscribeRights {
  /** Whether a scoped filter is open to the account of a connection; says nothing. */
  mayRead(connection: Connection, scopedFilter: string): boolean
  /** The same, with limits, counted and logged when refused. */
  grant(connection: Connection, scopedFilter: string): boolean
}

/** Filters of one connection: each costs memory, and time for every message that is matched. */
const MOST_FILTERS = 1000

export function createSubscribeRights(
  directory: Directory,
  refusals: Refusals,
  maxTopicLevels: number,
): SubscribeRights {
  return { mayRead, grant }

  function mayRead({ account, prefix }: Connection, scopedFilter: string): boolean {
    if (!account || !scopedFilter.startsWith(prefix)) return false
    const filter = scopedFilter.slice(prefix.length)
    return levelsOf(filter) <= maxTopicLevels && directory.mayRead(account, filter)
  }

  function grant(connection: Connection, scopedFilter: string): boolean {
    const { subscriptions } = connection.client
    const filter = scopedFilter.slice(connection.prefix.length)
    const shown = filter.slice(0, 200)
    if (levelsOf(filter) > maxTopicLevels) {
      const text = `a filter of over ${maxTopicLevels} levels (PADBORG_MQTT_MAX_TOPIC_LEVELS) came`
      refusals.note(connection, 'topic_levels', text)
      return false
    }
    if (!mayRead(connection, scopedFilter)) {
      const text = `this account may not subscribe to ${shown}; see docs/devices.md`
      refusals.note(connection, 'subscribe', text)
      return false
    }
    if (Object.hasOwn(subscriptions, scopedFilter)) return true
    if (connection.filters < 0) connection.filters = Object.keys(subscriptions).length
    if (connection.filters >= MOST_FILTERS) {
      const text = `${shown} would be filter number ${MOST_FILTERS + 1} of this connection; use wildcards`
      refusals.note(connection, 'filters', text)
      return false
    }
    connection.filters += 1
    return true
  }
}
