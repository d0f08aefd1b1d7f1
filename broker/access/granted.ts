import { matchesFilter } from '#lib/telemetry/topics.ts'
import type { Qos } from '#lib/telemetry/message.ts'
import type { Connection } from '../connections/connection.ts'

/** Counts the changes of subscriptions, so that who listens where need not be asked per message. */
export interface Interest {
  epoch: number
  changed(): void
}

export function createInterest(): Interest {
  return {
    epoch: 1,
    changed() {
      this.epoch += 1
    },
  }
}

/** Topics remembered per connection: it may have a thousand filters, and be asked for each message. */
const REMEMBERED = 64

/** The highest QoS that the filters of a connection grant a topic; null: it does not listen there. */
export type GrantedQos = (connection: Connection, topic: string) => Qos | null

export function createGrantedQos(interest: Interest): GrantedQos {
  return (connection, topic) => {
    if (connection.granted?.epoch !== interest.epoch) {
      connection.granted = { epoch: interest.epoch, topics: new Map() }
    }
    const { topics } = connection.granted
    const known = topics.get(topic)
    if (known !== undefined) return known
    if (topics.size >= REMEMBERED) topics.clear()
    const granted = highest(connection, topic)
    topics.set(topic, granted)
    return granted
  }
}

function highest({ client, prefix }: Connection, topic: string): Qos | null {
  let granted: Qos | null = null
  for (const [filter, { qos }] of Object.entries(client.subscriptions)) {
    if ((granted === null || qos > granted) && matchesFilter(filter.slice(prefix.length), topic)) {
      granted = qos
    }
  }
  return granted
}
