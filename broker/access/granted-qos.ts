import type { Qos } from '#lib/telemetry/message.ts'
import { matchesFilter } from '#lib/telemetry/topics.ts'
import type { Connection } from '../connections/connection.ts'
import type { Interest } from '../publish/interest.ts'

/** Topics remembered per connection: it may have a thousand filters, matched for each message. */
const MAX_REMEMBERED = 64

/** The highest QoS that the filters of a connection grant a topic; null: it does not subscribe. */
export type GrantedQos = (connection: Connection, topic: string) => Qos | null

export function createGrantedQos(interest: Interest): GrantedQos {
  return (connection, topic) => {
    if (connection.granted?.epoch !== interest.epoch) {
      connection.granted = { epoch: interest.epoch, topics: new Map() }
    }
    const { topics } = connection.granted
    const known = topics.get(topic)
    if (known !== undefined) return known
    if (topics.size >= MAX_REMEMBERED) topics.clear()
    const granted = highestQos(connection, topic)
    topics.set(topic, granted)
    return granted
  }
}

function highestQos({ client, prefix }: Connection, topic: string): Qos | null {
  let granted: Qos | null = null
  for (const [filter, { qos }] of Object.entries(client.subscriptions)) {
    if ((granted === null || qos > granted) && matchesFilter(filter.slice(prefix.length), topic)) {
      granted = qos
    }
  }
  return granted
}
