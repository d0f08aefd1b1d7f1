import { connect, type Socket } from 'node:net'
import { generate, parser, type IConnectPacket, type Packet } from 'mqtt-packet'
import type { Account, Place } from './place.ts'

/** An MQTT client without manners: it writes whatever it is given, as fast as the socket takes it. */
export interface MqttClient {
  readonly socket: Socket
  /** False when the connection is gone. Waits while the platform does not read. */
  send(packet: Packet): Promise<boolean>
  /** How many packets of a kind came back. */
  received(cmd: Packet['cmd']): number
  destroy(): void
}

/** Null where the platform refuses or closes before its CONNACK. */
export async function connectMqtt(
  { mqttPort }: Pick<Place, 'mqttPort'>,
  { username, password }: Account,
  options: Partial<IConnectPacket> = {},
): Promise<MqttClient | null> {
  const socket = connect(mqttPort, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  let draining: Promise<void> | null = null
  const counts = new Map<string, number>()
  const reader = parser({ protocolVersion: 4 })
  const acknowledged = new Promise<boolean>((resolve) => {
    reader.on('packet', (packet: Packet) => {
      counts.set(packet.cmd, (counts.get(packet.cmd) ?? 0) + 1)
      if (packet.cmd === 'connack') resolve(packet.returnCode === 0)
    })
    socket.once('close', () => resolve(false))
  })
  socket.on('data', (chunk: Buffer) => reader.parse(chunk))
  const client: MqttClient = {
    socket,
    async send(packet) {
      if (socket.destroyed) return false
      if (socket.write(generate(packet))) return true
      draining ??= drained(socket).finally(() => (draining = null))
      await draining
      return !socket.destroyed
    },
    received: (cmd) => counts.get(cmd) ?? 0,
    destroy: () => socket.destroy(),
  }
  await client.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: `c${nextClient()}`,
    username,
    password: Buffer.from(password),
    ...options,
  })
  if (await acknowledged) return client
  socket.destroy()
  return null
}

/** Or closed. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.once('drain', done)
    socket.once('close', done)
  })
}

let clients = 0
function nextClient(): number {
  clients += 1
  return clients
}

let packetId = 0
/** In use again after 65 535 others, as MQTT has it. */
export function nextPacketId(): number {
  packetId = (packetId % 65_535) + 1
  return packetId
}
