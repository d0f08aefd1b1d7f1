import { createServer, type Server, type Socket } from 'node:net'
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from 'mqtt-packet'
import { waitFor } from '../../../support/wait-for.ts'

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
export class FakeBroker {
  readonly peers: Peer[] = []
  /** Called for the response to each CONNECT; null closes without one. */
  welcome: (connect: IConnectPacket) => Packet | Buffer | null = () => ({
    cmd: 'connack',
    reasonCode: 0,
    returnCode: 0,
    sessionPresent: false,
  })
  /** The reason code of a subscription. */
  grant: (filter: string) => number = () => 1
  /** Whether PINGREQ is answered. */
  pings = true
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((socket) => this.#serve(socket))

  static async start(): Promise<FakeBroker> {
    const broker = new FakeBroker()
    await new Promise<void>((resolve) => broker.#server.listen(0, '127.0.0.1', resolve))
    return broker
  }

  get url(): string {
    return `mqtt://u:p@127.0.0.1:${portOf(this.#server)}`
  }

  async peer(at: number): Promise<Peer> {
    return await waitFor(() => this.peers[at], { what: `connection ${at}` })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    const parser = mqttPacket.parser()
    let peer: Peer | null = null
    let acks: number[] = []
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connect') peer = this.#accept(socket, packet)
      else if (peer) this.#answer(peer, packet)
      if (packet.cmd === 'puback') acks.push(packet.messageId ?? 0)
    })
    socket.on('data', (bytes: Buffer) => {
      parser.parse(bytes)
      if (acks.length > 0) peer?.ackReads.push(acks)
      acks = []
    })
  }

  #answer(peer: Peer, packet: Packet): void {
    peer.packets.push(packet)
    if (packet.cmd === 'pingreq' && this.pings) peer.send({ cmd: 'pingresp' })
    if (packet.cmd === 'subscribe') {
      const granted = packet.subscriptions.map(({ topic }) => this.grant(topic))
      peer.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted })
    }
    if (packet.cmd === 'unsubscribe') {
      const granted = packet.unsubscriptions.map(() => 0)
      peer.send({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted })
    }
  }

  #accept(socket: Socket, connect: IConnectPacket): Peer {
    const protocolVersion = connect.protocolVersion ?? 4
    const send = (packet: Packet) =>
      void socket.write(mqttPacket.generate(packet, { protocolVersion }))
    const response = this.welcome(connect)
    if (response === null) socket.destroy()
    else if (Buffer.isBuffer(response)) socket.end(response)
    else send(response)
    const peer = { socket, connect, packets: [connect], ackReads: [], send }
    this.peers.push(peer)
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
