import { createServer, type Server, type Socket } from 'node:net'
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from 'mqtt-packet'
import { waitFor } from '../../support/wait-for.ts'

/** One connection as the broker sees it. */
export interface Peer {
  readonly socket: Socket
  readonly connect: IConnectPacket
  /** Everything it sent, CONNECT first. */
  readonly packets: Packet[]
  /** Reads that brought PUBACKs, as ids in each. */
  readonly ackReads: number[][]
  send(packet: Packet): void
}

/** A broker that behaves as the test says, for what no real one does on demand. */
export interface FakeBroker {
  readonly url: string
  readonly peers: readonly Peer[]
  /** Asked for the answer to each CONNECT; null closes without one. */
  welcome: (connect: IConnectPacket) => Packet | Buffer | null
  /** The reason code of a subscription. */
  grant: (filter: string) => number
  /** Whether PINGREQ is answered. */
  pings: boolean
  peer(at: number): Promise<Peer>
  close(): Promise<void>
}

export async function startFakeBroker(): Promise<FakeBroker> {
  const peers: Peer[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const broker: FakeBroker = {
    url: `mqtt://u:p@127.0.0.1:${portOf(server)}`,
    peers,
    welcome: () => ({ cmd: 'connack', reasonCode: 0, returnCode: 0, sessionPresent: false }),
    grant: () => 1,
    pings: true,
    async peer(at) {
      return await waitFor(() => peers[at], { what: `connection ${at}` })
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return broker

  function serve(socket: Socket): void {
    const parser = mqttPacket.parser()
    let peer: Peer | null = null
    let acks: number[] = []
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') {
        peer = greet(socket, packet)
        return
      }
      peer?.packets.push(packet)
      if (packet.cmd === 'puback') acks.push(packet.messageId ?? 0)
      if (packet.cmd === 'pingreq' && broker.pings) peer?.send({ cmd: 'pingresp' })
      if (packet.cmd === 'subscribe') {
        const granted = packet.subscriptions.map(({ topic }) => broker.grant(topic))
        peer?.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted })
      }
      if (packet.cmd === 'unsubscribe') {
        const granted = packet.unsubscriptions.map(() => 0)
        peer?.send({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted })
      }
    })
    socket.on('data', (bytes: Buffer) => {
      parser.parse(bytes)
      if (acks.length > 0) peer?.ackReads.push(acks)
      acks = []
    })
  }

  function greet(socket: Socket, connect: IConnectPacket): Peer | null {
    const protocolVersion = connect.protocolVersion ?? 4
    const send = (packet: Packet) =>
      void socket.write(mqttPacket.generate(packet, { protocolVersion }))
    const answer = broker.welcome(connect)
    if (answer === null) socket.destroy()
    else if (Buffer.isBuffer(answer)) socket.end(answer)
    else send(answer)
    const peer = { socket, connect, packets: [connect], ackReads: [], send }
    peers.push(peer)
    return peer
  }
}

/** A message as the broker sends it. */
export function publish(
  topic: string,
  payload: string | Buffer,
  messageId: number,
): IPublishPacket {
  const qos = messageId > 0 ? 1 : 0
  return { cmd: 'publish', topic, payload, qos, messageId, dup: false, retain: false }
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}
