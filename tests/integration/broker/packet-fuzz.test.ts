import * as fc from 'fast-check'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SEED } from '../../support/random-runs.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestAccount, type TestBroker } from './broker-support.ts'
import { RawClient, connectPacket, publishPacket, topicOf } from './raw-client.ts'
import { turnsUntil } from './session-model/model-client.ts'

/** Connections that send what is wrong; more of them in `npm run long`. */
const CONNECTIONS = Number(process.env['FUZZ_CONNECTIONS'] ?? 3000)
const AT_ONCE = 10

interface Mutation {
  readonly sort: 'flip' | 'cut' | 'insert' | 'length' | 'repeat'
  readonly at: number
  readonly value: number
}

interface Attack {
  readonly isSignedIn: boolean
  readonly packets: readonly Packet[]
  readonly mutations: readonly Mutation[]
  /** Bytes of each write. */
  readonly pieces: number
}

describe('bytes that are not MQTT', () => {
  let test: TestBroker
  let attacker: TestAccount
  let publisher: RawClient
  let listener: RawClient
  beforeAll(async () => {
    test = await startBroker()
    attacker = test.device('evil.t1')
    publisher = await test.signedIn(test.device('acme.t1'), { clientId: 'publisher' })
    listener = await test.signedIn(test.application('acme'), { clientId: 'listener' })
    const subscriptions = [{ topic: 'padborg/v1/acme/#', qos: 1 as const }]
    listener.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    await listener.next('suback')
  })
  afterAll(() => test.close())

  it(`neither stop the broker nor take a message from others, on ${CONNECTIONS} connections`, async () => {
    let sent = 0
    const property = fc.asyncProperty(
      fc.array(attacks, { minLength: AT_ONCE, maxLength: AT_ONCE }),
      async (several) => {
        sent += 1
        await Promise.all([...several.map(attack), publishAndHear(sent)])
      },
    )
    await fc.assert(property, { seed: SEED, numRuns: Math.ceil(CONNECTIONS / AT_ONCE) })
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 2)
    expect(await test.metric('padborg_mqtt_in_flight')).toBe(0)
    expect(test.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  /** Sends it, waits until the broker has read all or closed the connection, and leaves. */
  async function attack({ isSignedIn, packets, mutations, pieces }: Attack): Promise<void> {
    const client = await RawClient.connect(test.ports.mqtt)
    if (isSignedIn) client.send(connectOf(attacker))
    const bytes = mutations.reduce(mutated, Buffer.concat(packets.map((one) => bytesOf(one))))
    for (let at = 0; at < bytes.length && !client.closed; at += pieces) {
      client.bytes(bytes.subarray(at, at + pieces))
      if (pieces < 64) await new Promise((resolve) => setImmediate(resolve))
    }
    client.socket.end()
    await turnsUntil(
      () => client.closed,
      () => `the end of a connection that sent ${bytes.toString('hex')}`,
    )
  }

  /** The message of a client that does no harm is acknowledged, and heard by those who may hear it. */
  async function publishAndHear(n: number): Promise<void> {
    const messageId = (n % 65_535) + 1
    publisher.send(publishPacket(topicOf('acme.t1'), `m${n}`, { messageId }))
    const isThere = (client: RawClient, cmd: string) => () =>
      client.closed || client.received.some((packet) => packet.cmd === cmd)
    await turnsUntil(isThere(publisher, 'puback'), () => `the PUBACK of message ${n}`)
    await turnsUntil(isThere(listener, 'publish'), () => `message ${n} to be heard`)
    expect(publisher.received.splice(0)).toMatchObject([{ cmd: 'puback', messageId }])
    const heard = listener.received.splice(0)
    expect(heard.map((packet) => String(Reflect.get(packet, 'payload')))).toEqual([`m${n}`])
    listener.send({ cmd: 'puback', messageId: heard[0]?.messageId ?? 0 })
    const { accepted } = test.intake
    const own = accepted.splice(0).filter(({ device }) => device !== 'evil.t1')
    expect(own.map(({ payload }) => Buffer.from(payload).toString())).toEqual([`m${n}`])
  }
})

const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2)
const messageId = fc.integer({ min: 1, max: 5 })
const text = fc.constantFrom(
  topicOf('evil.t1'),
  topicOf('evil.t1', 'status'),
  topicOf('evil.t1', 'clock/request'),
  topicOf('evil.t1', 'probe/request'),
  topicOf('acme.t1'),
  'padborg/v1/evil/t1/#',
  'padborg/v1/acme/#',
  '+/+',
  '$SYS/#',
  '\u{1F69A}/ø',
)
const payload = fc.oneof(
  fc.constant('{"v":1,"kind":"truck","data":{"speedKmh":1}}'),
  fc.string({ maxLength: 300 }),
)

const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc
    .record({ topic: text, payload, qos, retain: fc.boolean(), dup: fc.boolean(), messageId })
    .map(({ topic, payload: body, messageId: id, ...more }) =>
      publishPacket(topic, body, { ...more, ...(more.qos > 0 ? { messageId: id } : {}) }),
    ),
  fc
    .record({ messageId, wanted: fc.array(fc.record({ topic: text, qos }), { minLength: 1 }) })
    .map(({ messageId: id, wanted }) => ({
      cmd: 'subscribe' as const,
      messageId: id,
      subscriptions: wanted,
    })),
  fc
    .record({ messageId, filters: fc.array(text, { minLength: 1 }) })
    .map(({ messageId: id, filters }) => ({
      cmd: 'unsubscribe' as const,
      messageId: id,
      unsubscriptions: filters,
    })),
  fc
    .record({
      cmd: fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp' as const),
      messageId,
    })
    .map((acknowledgement) => acknowledgement),
  fc.constantFrom<Packet>({ cmd: 'pingreq' }, { cmd: 'disconnect' }),
  fc
    .record({ clientId: fc.string({ maxLength: 30 }), clean: fc.boolean(), topic: text, qos })
    .map(({ clientId, clean, topic, qos: willQos }) =>
      connectPacket({
        clientId: clientId || 'c',
        clean,
        will: { topic, payload: Buffer.from('will'), qos: willQos, retain: true },
      }),
    ),
)

const attacks: fc.Arbitrary<Attack> = fc.record({
  isSignedIn: fc.boolean(),
  packets: fc.array(packet, { minLength: 1, maxLength: 8 }),
  mutations: fc.array(
    fc.record({
      sort: fc.constantFrom('flip', 'cut', 'insert', 'length', 'repeat' as const),
      at: fc.nat(),
      value: fc.integer({ min: 0, max: 0xffff_ffff }),
    }),
    { maxLength: 4 },
  ),
  pieces: fc.constantFrom(1, 7, 100_000),
})

function connectOf({ username, password }: TestAccount): Packet {
  return connectPacket({ username, password: Buffer.from(password), clientId: '' })
}

/** mqtt-packet checks what it writes: what it refuses is sent as the byte 0. */
function bytesOf(one: Packet): Buffer {
  try {
    return mqttPacket.generate(one)
  } catch {
    return Buffer.from([0])
  }
}

function mutated(bytes: Buffer, { sort, at: anywhere, value }: Mutation): Buffer {
  const at = bytes.length === 0 ? 0 : anywhere % bytes.length
  const copy = Buffer.from(bytes)
  if (sort === 'cut') return Buffer.concat([copy.subarray(0, at), copy.subarray(at + (value % 9))])
  if (sort === 'repeat') return Buffer.concat([copy, copy.subarray(at, at + (value % 500))])
  const raw = Buffer.alloc(4)
  raw.writeUInt32BE(value)
  if (sort === 'insert') {
    return Buffer.concat([copy.subarray(0, at), raw.subarray(value % 4), copy.subarray(at)])
  }
  if (sort === 'flip') copy[at] = (copy[at] ?? 0) ^ (1 << (value % 8))
  // The remaining length of the first packet, one to four bytes of it.
  else raw.copy(copy, 1, 0, 1 + (value % 4))
  return copy
}
