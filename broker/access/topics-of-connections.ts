import type { Directory } from '#lib/registry/index/directory.ts'
import type { Connection, TopicEntry } from '../connections/connection.ts'
import { levelsOf } from './tenant-topics.ts'

/** What a connection's topic is, remembered for the last topic of each: most have only one. */
export interface TopicsOfConnections {
  /** The topic in `bytes[at, end)` of a connection that has signed in. */
  entryOf(connection: Connection, bytes: Buffer, at: number, end: number): TopicEntry
  entryOfText(connection: Connection, topic: string): TopicEntry
  /** Devices or tenants have changed: every route is found anew. */
  forget(): void
}

export function createTopics(directory: Directory, maxTopicLevels: number): TopicsOfConnections {
  let epoch = 1

  function entryOf(connection: Connection, bytes: Buffer, at: number, end: number): TopicEntry {
    const last = connection.lastTopic
    if (last?.routesEpoch === epoch && isSame(last.bytes, bytes, at, end)) return last
    const entry = made(
      connection,
      bytes.toString('utf8', at, end),
      Buffer.from(bytes.subarray(at, end)),
    )
    connection.lastTopic = entry
    return entry
  }

  function made({ account, prefix }: Connection, topic: string, bytes: Buffer): TopicEntry {
    const isOpen = account !== null && levelsOf(topic) <= maxTopicLevels
    return {
      bytes,
      topic,
      scoped: prefix + topic,
      route: isOpen ? directory.resolve(account, topic) : null,
      routesEpoch: epoch,
      interested: false,
      interestEpoch: 0,
    }
  }

  return {
    entryOf,
    entryOfText: (connection, topic) => made(connection, topic, Buffer.from(topic)),
    forget() {
      epoch += 1
    },
  }
}

/** A loop beats a native call for the few dozen bytes of a topic. */
function isSame(known: Buffer, bytes: Buffer, at: number, end: number): boolean {
  if (known.length !== end - at) return false
  for (let i = 0; i < known.length; i += 1) if (known[i] !== bytes[at + i]) return false
  return true
}
