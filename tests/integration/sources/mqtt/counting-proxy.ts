import { connect, createServer, type Socket } from 'node:net'
import mqttPacket, { type Packet } from 'mqtt-packet'

/** A proxy between a broker and one intake that counts the messages, independently of both. */
export interface CountingProxy {
  readonly port: number
  /** Payloads of QoS 1 messages that the broker sent, with repetitions. */
  readonly delivered: readonly string[]
  /** Payloads of those that the intake acknowledged. */
  readonly acknowledged: readonly string[]
  /** Messages the broker sent with the DUP flag. */
  readonly repeated: () => number
  /** Messages delivered over open connections that the intake has not acknowledged. */
  readonly inFlight: () => number
  close(): Promise<void>
}

export async function startCountingProxy(brokerPort: number): Promise<CountingProxy> {
  const delivered: string[] = []
  const acknowledged: string[] = []
  const sockets = new Set<Socket>()
  /** Delivered and not acknowledged, of each open connection. */
  const unacknowledged = new Set<ReadonlyMap<number, string>>()
  let repeated = 0
  const server = createServer((intake) => {
    const broker = connect({ port: brokerPort, host: '127.0.0.1', noDelay: true })
    const open = new Map<number, string>()
    unacknowledged.add(open)
    intake.on('close', () => unacknowledged.delete(open))
    intake.setNoDelay(true)
    watch(broker, (packet) => {
      if (packet.cmd !== 'publish' || packet.qos === 0) return
      const payload = String(packet.payload)
      delivered.push(payload)
      if (packet.dup) repeated += 1
      open.set(packet.messageId ?? 0, payload)
    })
    watch(intake, (packet) => {
      if (packet.cmd !== 'puback') return
      const payload = open.get(packet.messageId ?? 0)
      if (payload === undefined) throw new Error('an acknowledgement of nothing that was delivered')
      open.delete(packet.messageId ?? 0)
      acknowledged.push(payload)
    })
    for (const [socket, other] of [
      [intake, broker],
      [broker, intake],
    ] as const) {
      sockets.add(socket)
      socket.pipe(other)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    delivered,
    acknowledged,
    repeated: () => repeated,
    inFlight: () => [...unacknowledged].reduce((sum, { size }) => sum + size, 0),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function watch(socket: Socket, see: (packet: Packet) => void): void {
  const parser = mqttPacket.parser({ protocolVersion: 5 })
  parser.on('packet', see)
  socket.on('data', (bytes: Buffer) => parser.parse(bytes))
}
