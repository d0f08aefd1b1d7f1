import type { Packet } from 'mqtt-packet'
import { matchesFilter } from '#lib/telemetry/topics.ts'
import type { TestBroker } from '../broker-support.ts'
import { publishPacket } from '../raw-client.ts'
import type { Qos, Will } from './expectations.ts'
import { ModelClient, turnsUntil } from './model-client.ts'
import { clientOf, connectOf, slotsOf, type Acks, type Connect, type Slot } from './slots.ts'

interface Message {
  readonly topic: string
  readonly payload: string
  readonly qos: Qos
  readonly retain: boolean
}

/** Where something comes from: the connection of a client, by its number too. */
interface Delivery {
  readonly slot: Slot
  readonly client: ModelClient
  readonly connection: number
}

/**
 * Four clients at a real broker: two applications and a robot of one tenant, and an application of another
 * tenant with the same client id and the same foreign topics. Beside what the broker does stands what it
 * should do.
 */
export class World {
  readonly slots: readonly Slot[]
  readonly #test: TestBroker
  readonly #tenants: readonly string[]
  #retained = new Map<string, Map<string, Message>>()
  #toIntake: string[] = []
  #faults: string[] = []
  #payloads = 0

  constructor(test: TestBroker, name: string) {
    this.#test = test
    const [own, other] = [`${name}a`, `${name}b`]
    this.#tenants = [own, other]
    this.slots = slotsOf(test, own, other)
  }

  /** Leaves nothing of the run before. */
  async reset(): Promise<void> {
    this.#faults = []
    for (const slot of this.slots) {
      await this.connect(slot, { isClean: true, will: null })
      for (const topic of this.#retainedOf(slot.tenant).keys()) {
        if (slot.topics.includes(topic)) await this.publish(slot, { ...EMPTY, topic })
      }
    }
    for (const slot of this.slots) await this.disconnect(slot)
    await this.settle()
  }

  async connect(slot: Slot, how: Connect, acks: Acks = 'all'): Promise<void> {
    const client = await this.#open()
    slot.acks = acks
    client.send(connectOf(slot, how))
    await this.#connected(slot, client, how)
  }

  async subscribe(
    slot: Slot,
    subscriptions: readonly { topic: string; qos: Qos }[],
  ): Promise<void> {
    const client = clientOf(slot)
    const messageId = client.messageId()
    for (const { topic, qos } of subscriptions) slot.session.subscribe(topic, qos)
    const filters = [...new Set(subscriptions.map(({ topic }) => topic))]
    for (const message of this.#retainedOf(slot.tenant).values()) {
      const matching = filters.filter((filter) => matchesFilter(filter, message.topic)).length
      if (matching > 0) slot.session.expectRetained(message, matching)
    }
    client.send({ cmd: 'subscribe', messageId, subscriptions: [...subscriptions] })
    await client.answer('suback', messageId)
  }

  async unsubscribe(slot: Slot, filter: string): Promise<void> {
    const client = clientOf(slot)
    const messageId = client.messageId()
    client.send({ cmd: 'unsubscribe', messageId, unsubscriptions: [filter] })
    await client.answer('unsuback', messageId)
    slot.session.unsubscribe(filter)
  }

  /** From its first packet to its last acknowledgement. */
  async publish(slot: Slot, message: Message): Promise<void> {
    const messageId = this.#sendPublish(slot, message)
    await this.#acknowledged(slot, message.qos, messageId)
  }

  /** Of QoS 2 only the first half. */
  async publishHalf(slot: Slot, message: Message): Promise<void> {
    const messageId = this.#sendPublish(slot, message)
    await clientOf(slot).answer('pubrec', messageId)
    slot.session.unreleased.set(messageId, message)
  }

  /** Sends a message of QoS 2 again that waits for PUBREL: it is not taken again ([MQTT-4.3.3-2]). */
  async repeatHalf(slot: Slot, messageId: number): Promise<void> {
    const { topic = '', payload = '' } = slot.session.unreleased.get(messageId) ?? {}
    const client = clientOf(slot)
    client.send(publishPacket(topic, payload, { messageId, qos: 2, dup: true }))
    await client.answer('pubrec', messageId)
  }

  async release(slot: Slot, messageId: number): Promise<void> {
    const client = clientOf(slot)
    client.send({ cmd: 'pubrel', messageId })
    await client.answer('pubcomp', messageId)
    slot.session.unreleased.delete(messageId)
  }

  async disconnect(slot: Slot): Promise<void> {
    const client = clientOf(slot)
    client.send({ cmd: 'disconnect' })
    await client.closed()
    this.#ended(slot, slot.session.end(true))
  }

  /** The end of a connection without DISCONNECT: the socket breaks, or the client breaks a rule. */
  async breakOff(slot: Slot, how: 'socket' | 'end' | 'protocol'): Promise<void> {
    const client = clientOf(slot)
    if (how === 'socket') client.socket.destroy()
    else if (how === 'end') client.socket.end()
    else client.socket.write(Buffer.from([0xf0, 0]))
    const will = slot.session.end(false)
    this.#ended(slot, will)
    await client.closed()
    if (will) await this.#willCame(will)
  }

  /** Comes back and breaks off while the broker sends what waits: nothing of it is lost. */
  async connectAndBreak(slot: Slot): Promise<void> {
    await this.connect(slot, { isClean: false, will: null }, 'none')
    const client = clientOf(slot)
    client.socket.destroy()
    await client.closed()
    slot.session.broke()
    this.#ended(slot, slot.session.end(false))
  }

  /** Connects while another client publishes, so that messages come at every moment of the CONNECT. */
  async connectAmid(
    slot: Slot,
    publisher: Slot,
    { messages, isDropped }: { messages: readonly Message[]; isDropped: boolean },
  ): Promise<void> {
    const client = await this.#open()
    // Whether an acknowledgement still arrives on the old connection, nobody knows.
    slot.acks = 'none'
    if (isDropped) slot.client?.socket.destroy()
    const lastWill = this.#takenOver(slot)
    client.send(connectOf(slot, { isClean: false, will: null }))
    const ids: number[] = []
    for (const message of messages) {
      ids.push(this.#sendPublish(publisher, message, slot))
      await new Promise((resolve) => setImmediate(resolve))
    }
    slot.acks = 'all'
    await this.#connected(slot, client, { isClean: false, will: null })
    const answers = messages.map(({ qos }, at) => ({ qos, messageId: ids[at] ?? 0 }))
    for (const { qos, messageId } of answers) {
      if (qos > 0) await clientOf(publisher).answer(qos === 1 ? 'puback' : 'pubrec', messageId)
    }
    for (const { qos, messageId } of answers) {
      if (qos === 2) await this.release(publisher, messageId)
    }
    if (lastWill) await this.#willCame(lastWill)
  }

  /** Waits for what is due; throws for what is not. */
  async settle(): Promise<void> {
    for (const { session, client, name } of this.slots) {
      if (!client) continue
      await turnsUntil(
        () => session.missing().length === 0 || this.#faults.length > 0 || client.isClosed,
        () => `${name} to get ${JSON.stringify(session.missing())}`,
      )
      if (client.isClosed) throw new Error(`${name} was disconnected`)
      await client.ping()
      await client.ping()
      session.stepDone()
    }
    this.#checkIntake()
    if (this.#faults.length > 0) throw new Error(this.#faults.join('; '))
  }

  payload(): string {
    this.#payloads += 1
    return `m${this.#payloads}`
  }

  #open(): Promise<ModelClient> {
    return ModelClient.open(this.#test.ports.mqtt)
  }

  /** Takes over from an older connection of the client, which is closed ([MQTT-3.1.4-2]). */
  async #connected(slot: Slot, client: ModelClient, { isClean, will }: Connect): Promise<void> {
    const { session } = slot
    const older = slot.client
    if (isClean) session.forget()
    const lastWill = this.#takenOver(slot)
    const { isPresent } = session
    session.connect(isClean, will)
    slot.client = client
    const { connection } = session
    client.onDelivery((packet) => this.#delivered({ slot, client, connection }, packet))
    const connack = await client.answer('connack')
    const got = Reflect.get(connack, 'sessionPresent')
    if (got !== isPresent) this.#faults.push(`${slot.name}: session present ${got}`)
    if (older) await older.closed()
    if (lastWill) await this.#willCame(lastWill)
  }

  /** The end of an older connection of the client, if there is one; its will. */
  #takenOver(slot: Slot): Will | null {
    const will = slot.session.isConnected ? slot.session.end(false) : null
    if (will) this.#published(slot, will, slot)
    return will
  }

  #sendPublish(slot: Slot, message: Message, racing: Slot | null = null): number {
    const { topic, payload, qos, retain } = message
    const client = clientOf(slot)
    const messageId = client.messageId((id) => slot.session.unreleased.has(id))
    const ids = qos === 0 ? {} : { messageId }
    client.send(publishPacket(topic, payload, { qos, retain, ...ids }))
    this.#published(slot, message, racing)
    return messageId
  }

  async #acknowledged(slot: Slot, qos: Qos, messageId: number): Promise<void> {
    const client = clientOf(slot)
    if (qos === 0) return client.ping()
    if (qos === 1) return void (await client.answer('puback', messageId))
    await client.answer('pubrec', messageId)
    await this.release(slot, messageId)
  }

  /** What MQTT makes of a message for everybody. */
  #published(from: Slot, message: Message, racing: Slot | null = null): void {
    const { topic, payload, qos, retain } = message
    const retained = this.#retainedOf(from.tenant)
    if (retain && payload === '') retained.delete(topic)
    else if (retain) retained.set(topic, message)
    if (!topic.endsWith('/order')) this.#toIntake.push(payload)
    for (const slot of this.slots) {
      if (slot.tenant === from.tenant) slot.session.publish(topic, payload, qos, slot === racing)
    }
  }

  #ended(slot: Slot, will: Will | null): void {
    slot.client = null
    if (will) this.#published(slot, will)
  }

  async #willCame({ payload }: Will): Promise<void> {
    const isWill = (text: string) => text === payload
    await turnsUntil(
      () => this.#accepted().some(isWill),
      () => `the will ${payload}`,
    )
  }

  #delivered({ slot, client, connection }: Delivery, packet: Packet): void {
    const { session } = slot
    const isCurrent = slot.client === client
    const acks = isCurrent ? slot.acks : 'none'
    if (packet.cmd === 'pubrel') return this.#completed({ slot, client, connection }, packet)
    if (packet.cmd !== 'publish') return
    const { topic, qos, dup, retain, messageId = 0 } = packet
    const payload = packet.payload.toString()
    const fault = session.received({ topic, payload, qos, dup, retain, messageId }, connection)
    if (fault !== null) {
      const what = JSON.stringify({ topic, payload, qos, dup, retain, messageId })
      this.#faults.push(`${slot.name}: ${fault}: ${what}, due ${JSON.stringify(session.due)}`)
    }
    if (acks === 'none' || qos === 0) return
    client.send({ cmd: qos === 1 ? 'puback' : 'pubrec', messageId })
    if (retain) return
    if (qos === 1) session.acknowledged(messageId)
    else session.taken(messageId)
  }

  #completed({ slot, client }: Delivery, { messageId = 0 }: Packet): void {
    const isCompleted = slot.client === client && slot.acks === 'all'
    slot.session.pubrel(messageId, isCompleted)
    if (isCompleted) client.send({ cmd: 'pubcomp', messageId })
  }

  /** Each message is handed to the intake once, and none of anybody else. */
  #checkIntake(): void {
    const expected = this.#toIntake.toSorted()
    const got = this.#accepted().toSorted()
    if (JSON.stringify(got) !== JSON.stringify(expected)) {
      this.#faults.push(`the intake got ${got.join()} in place of ${expected.join()}`)
    }
    this.#toIntake = []
    const { accepted } = this.#test.intake
    const others = accepted.filter(({ device }) => !this.#isOwn(device))
    accepted.splice(0, accepted.length, ...others)
  }

  #accepted(): readonly string[] {
    return this.#test.intake.accepted
      .filter(({ device }) => this.#isOwn(device))
      .map(({ payload }) => Buffer.from(payload).toString())
  }

  #isOwn(device: string): boolean {
    return this.#tenants.some((tenant) => device.startsWith(`${tenant}.`))
  }

  #retainedOf(tenant: string): Map<string, Message> {
    const retained = this.#retained.get(tenant) ?? new Map<string, Message>()
    this.#retained.set(tenant, retained)
    return retained
  }
}

const EMPTY = { payload: '', qos: 1, retain: true } as const
