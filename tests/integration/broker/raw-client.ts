import { connect as connectTcp, type Socket } from 'node:net'
import mqttPacket, { type IConnectPacket, type Packet } from 'mqtt-packet'
import { waitFor } from '../../support/wait-for.ts'

/** A socket that speaks MQTT packet by packet, also wrongly. */
export class RawClient {
  readonly socket: Socket
  readonly received: Packet[] = []
  #closed = false

  private constructor(socket: Socket) {
    this.socket = socket
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    parser.on('packet', (packet: Packet) => this.received.push(packet))
    socket.on('data', (bytes: Buffer) => parser.parse(bytes))
    socket.on('error', () => undefined)
    socket.on('close', () => (this.#closed = true))
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true })
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new RawClient(socket)
  }

  get closed(): boolean {
    return this.#closed
  }

  send(...packets: Packet[]): void {
    this.bytes(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))))
  }

  bytes(bytes: Uint8Array): void {
    this.socket.write(bytes)
  }

  /** The next packet of a type; earlier ones of other types stay. */
  async next(cmd: string, timeoutMs = 5000): Promise<Packet & Record<string, unknown>> {
    const found = () => this.received.findIndex((packet) => packet.cmd === cmd)
    await waitFor(() => found() >= 0, { timeoutMs, everyMs: 2, what: `a ${cmd}` })
    const [packet] = this.received.splice(found(), 1)
    return packet as Packet & Record<string, unknown>
  }

  async whenClosed(): Promise<void> {
    await waitFor(() => this.closed, { timeoutMs: 5000, everyMs: 5, what: 'the end of the socket' })
  }
}

/** A CONNECT of MQTT 3.1.1 with a clean session. */
export function connectPacket(more: Partial<IConnectPacket> = {}): IConnectPacket {
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: 'raw',
    keepalive: 0,
    ...more,
  }
}

/** A PUBLISH; QoS 1 when it has a message id. */
export function publishPacket(
  topic: string,
  payload: string | Buffer,
  more: { messageId?: number; qos?: 0 | 1 | 2; retain?: boolean; dup?: boolean } = {},
): Packet {
  const { messageId, qos = messageId === undefined ? 0 : 1, retain = false, dup = false } = more
  return {
    cmd: 'publish',
    topic,
    payload,
    qos,
    retain,
    dup,
    ...(messageId === undefined ? {} : { messageId }),
  }
}

export function topicOf(id: string, channel = 'telemetry'): string {
  return `padborg/v1/${id.replace('.', '/')}/${channel}`
}
