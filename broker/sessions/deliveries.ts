import type { GrantedQos } from '../access/granted-qos.ts'
import type { ClientPacket } from '../aedes/aedes-client.ts'
import type { Connection } from '../connections/connection.ts'
import type { Sessions } from './sessions.ts'

const MAX_MESSAGE_ID = 65_535

/** Which messages go to a connected client, with which QoS and message id. */
export class Deliveries {
  readonly #sessions: Sessions
  readonly #grantedQos: GrantedQos

  constructor(sessions: Sessions, grantedQos: GrantedQos) {
    this.#sessions = sessions
    this.#grantedQos = grantedQos
  }

  /**
   * One message for one of the filters that match. It goes out once, with the highest QoS that they
   * grant ([MQTT-3.3.5-1]), and not before the CONNACK ([MQTT-3.2.0-1]): until then, and when the
   * connection has broken, it stays in the queue of its session.
   */
  deliver(connection: Connection, packet: ClientPacket, done: () => void): void {
    const isAway = connection.stage !== 'ready' || connection.stream.destroyed
    if (isAway || (!packet.retain && packet.brokerCounter <= connection.lastDelivered)) {
      return done()
    }
    if (!packet.retain) connection.lastDelivered = packet.brokerCounter
    const { id, clean } = connection.client
    const granted = this.#grantedQos(connection, packet.topic.slice(connection.prefix.length))
    const queue = clean ? undefined : this.#sessions.queueOf(id)
    if (packet.qos > (granted ?? 0)) packet.qos = granted ?? 0
    // The filter was removed while the message was on its way.
    if (packet.qos === 0) queue?.remove({ ...packet, cmd: 'publish', messageId: undefined })
    if (granted === null) return done()
    if (packet.qos > 0) packet.messageId = this.#nextMessageId(connection)
    connection.send(packet, done)
  }

  /** Sends what has come between the queue that CONNECT brought and the moment the client is ready. */
  deliverRest(connection: Connection): void {
    const { id, clean } = connection.client
    if (clean) return
    for (const packet of this.#sessions.queueOf(id)?.unsent() ?? []) {
      this.deliver(connection, { ...packet, retain: false }, () => undefined)
    }
  }

  /** None that a message of the session still uses: its acknowledgement would be that of the other. */
  #nextMessageId(connection: Connection): number {
    const { id, clean } = connection.client
    const fromSession = clean ? null : this.#sessions.nextMessageId(id)
    if (fromSession !== null) return fromSession
    connection.lastMessageId = (connection.lastMessageId % MAX_MESSAGE_ID) + 1
    return connection.lastMessageId
  }
}
