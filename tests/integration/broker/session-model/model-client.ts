import mqttPacket, { type Packet } from 'mqtt-packet'
import { connect as connectTcp, type Socket } from 'node:net'

/** Turns of the event loop until something must have happened: some seconds. */
const MAX_TURNS = 1_000_000

/**
 * Waits turn by turn, because broker and client live on the same event loop: a step of ten thousand
 * takes as long as the broker needs, and not the pause between two looks.
 */
export async function turnsUntil(isDone: () => boolean, what: () => string): Promise<void> {
  for (let n = 0; !isDone(); n += 1) {
    if (n > MAX_TURNS) throw new Error(`expected ${what()}, got nothing`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** One connection of a client that answers only as it is told to. */
export class ModelClient {
  readonly socket: Socket
  /** Packets other than PUBLISH and PUBREL, which `onDelivery` gets. */
  readonly answers: Packet[] = []
  isClosed = false
  #onDelivery: ((packet: Packet) => void) | null = null
  #deliveries: Packet[] = []
  #isAccepted = false
  #nextId = 0

  private constructor(socket: Socket) {
    this.socket = socket
    const parser = mqttPacket.parser({ protocolVersion: 4 })
    parser.on('packet', (packet: Packet) => {
      const isDelivery = packet.cmd === 'publish' || packet.cmd === 'pubrel'
      if (packet.cmd === 'connack') this.#isAccepted = true
      // [MQTT-3.2.0-1]: nothing comes before CONNACK, so what does is no answer to anything.
      if (isDelivery && this.#isAccepted) this.#deliver(packet)
      else this.answers.push(packet)
    })
    socket.on('data', (bytes: Buffer) => parser.parse(bytes))
    socket.on('error', () => undefined)
    socket.on('close', () => (this.isClosed = true))
  }

  static async open(port: number): Promise<ModelClient> {
    const socket = connectTcp({ host: '127.0.0.1', port, noDelay: true })
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new ModelClient(socket)
  }

  /** Who takes what comes, also what has come before this. */
  onDelivery(take: (packet: Packet) => void): void {
    this.#onDelivery = take
    for (const packet of this.#deliveries.splice(0)) take(packet)
  }

  send(...packets: readonly Packet[]): void {
    this.socket.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))))
  }

  messageId(isTaken: (id: number) => boolean = () => false): number {
    do this.#nextId = (this.#nextId % 65_535) + 1
    while (isTaken(this.#nextId))
    return this.#nextId
  }

  /** The next answer, which must be of this sort and for this message. */
  async answer(cmd: Packet['cmd'], messageId?: number): Promise<Packet> {
    const what = () => `a ${cmd}${this.isClosed ? ' before the connection was closed' : ''}`
    await turnsUntil(() => this.answers.length > 0 || this.isClosed, what)
    const [packet] = this.answers.splice(0, 1)
    if (packet?.cmd !== cmd || (messageId !== undefined && packet.messageId !== messageId)) {
      throw new Error(`expected ${what()} ${messageId ?? ''}, got ${JSON.stringify(packet)}`)
    }
    return packet
  }

  /** What was sent before has been worked on, and what that brought has come. */
  async ping(): Promise<void> {
    this.send({ cmd: 'pingreq' })
    await this.answer('pingresp')
  }

  async closed(): Promise<void> {
    await turnsUntil(
      () => this.isClosed,
      () => 'the end of the connection',
    )
  }

  #deliver(packet: Packet): void {
    if (this.#onDelivery) this.#onDelivery(packet)
    else this.#deliveries.push(packet)
  }
}
