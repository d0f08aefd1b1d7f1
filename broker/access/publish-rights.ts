import { isSameBytes } from '#lib/mqtt/publish.ts'
import { isString } from '#lib/mqtt/strings.ts'
import type { Directory } from '#lib/registry/topics/directory.ts'
import type { Connection, PublishTopic } from '../connections/connection.ts'
import { levelsOf } from './tenant-topics.ts'

/**
 * Where the topics that connections publish to lead. The last topic of each connection is
 * remembered: most have only one.
 */
export class PublishRights {
  readonly #directory: Directory
  readonly #maxTopicLevels: number
  #epoch = 1

  constructor(directory: Directory, maxTopicLevels: number) {
    this.#directory = directory
    this.#maxTopicLevels = maxTopicLevels
  }

  /** The topic in `bytes[at, end)`; its route is null when the account may not publish there. */
  topicAt(connection: Connection, bytes: Buffer, at: number, end: number): PublishTopic {
    const last = connection.lastTopic
    if (last?.routesEpoch === this.#epoch && isSameBytes(last.bytes, bytes, at, end)) return last
    const copy = Buffer.from(bytes.subarray(at, end))
    const topic = this.#resolve(connection, bytes.toString('utf8', at, end), copy)
    connection.lastTopic = topic
    return topic
  }

  topicOf(connection: Connection, topic: string): PublishTopic {
    return this.#resolve(connection, topic, Buffer.from(topic))
  }

  /** Devices or tenants have changed: every route is resolved again. */
  forget(): void {
    this.#epoch += 1
  }

  #resolve({ account, prefix }: Connection, topic: string, bytes: Buffer): PublishTopic {
    const isOpen = account !== null && isString(bytes) && levelsOf(topic) <= this.#maxTopicLevels
    const route = isOpen ? this.#directory.resolve(account, topic) : null
    return {
      bytes,
      topic,
      device: route?.device ?? '',
      scoped: prefix + topic,
      route,
      routesEpoch: this.#epoch,
      hasSubscribers: false,
      interestEpoch: 0,
    }
  }
}
