import { afterEach, describe, expect, it } from 'vitest'
import { MAX_CLIENT_ID_LENGTH, MAX_WILL_BYTES } from '../../../broker/access/authenticate.ts'
import { startBroker, type TestAccount, type TestBroker } from './broker-support.ts'
import { connectPacket, publishPacket, topicOf } from './raw-client.ts'

const text = (value: string | Buffer) => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

interface Parts {
  readonly header?: number
  readonly name?: string
  readonly level?: number
  /** Changes the flags that are right for an account with a will. */
  readonly flags?: (flags: number) => number
  readonly will?: string | Buffer
  readonly clientId?: string | Buffer
  readonly after?: Buffer
}

/** A CONNECT with a will of QoS 1, byte by byte. */
function connectBytes({ username, password }: TestAccount, parts: Parts): Buffer {
  const { header = 0x10, name = 'MQTT', level = 4, flags = (is: number) => is } = parts
  const body = Buffer.concat([
    text(name),
    Buffer.from([level, flags(0b1100_1110), 0, 0]),
    text(parts.clientId ?? 'c'),
    text(parts.will ?? topicOf('acme.t1', 'status')),
    text('gone'),
    text(username),
    text(password),
    parts.after ?? Buffer.alloc(0),
  ])
  const length = [(body.length & 127) | 128, body.length >> 7]
  return Buffer.concat([Buffer.from([header, ...length]), body])
}

describe('a CONNECT', () => {
  let test: TestBroker
  afterEach(() => test.close())

  it.each<[string, Parts]>([
    ['a will of QoS 3', { flags: (is) => is | 0b1_1000 }],
    ['a will of QoS 3 that is retained', { flags: (is) => is | 0b11_1000 }],
    ['the QoS of a will without a will', { flags: (is) => is & ~0b100 }],
    ['its reserved flag', { flags: (is) => is | 1 }],
    ['a password without a user name', { flags: (is) => is & ~0b1000_0000 }],
    ['a will topic with wildcards', { will: 'padborg/v1/acme/t1/+' }],
    ['an empty will topic', { will: '' }],
    ['a will topic that is no UTF-8', { will: Buffer.from([0xff, 0xfe]) }],
    ['a client id with a NUL', { clientId: 'a\u0000b' }],
    ['flags in its header', { header: 0x12 }],
    ['more bytes than its fields', { after: Buffer.from('x') }],
    ['another protocol name', { name: 'HTTP' }],
  ])('with %s is refused, and harms no subscriber', async (_what, parts) => {
    test = await startBroker()
    const account = test.device('acme.t1')
    const subscriber = await test.signedIn(test.application('acme'), { clientId: 's' })
    const subscriptions = [{ topic: 'padborg/v1/acme/#', qos: 2 as const }]
    subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    await subscriber.next('suback')
    const client = await test.raw()
    client.bytes(connectBytes(account, parts))
    await client.whenClosed()
    expect(client.received).toEqual([])
    const device = await test.signedIn(account)
    device.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1 }))
    await device.next('puback')
    expect(await subscriber.next('publish')).toMatchObject({ topic: topicOf('acme.t1') })
    expect(await test.metric('padborg_mqtt_refused_total{reason="protocol"}')).toBe(1)
    expect(test.intake.accepted).toHaveLength(1)
  })

  it('that is well-formed is let in with its will', async () => {
    test = await startBroker()
    const client = await test.raw()
    client.bytes(connectBytes(test.device('acme.t1'), {}))
    expect(await client.next('connack')).toMatchObject({ returnCode: 0 })
  })

  it.each([5, 6, 0, 2])(
    'of protocol level %i gets a CONNACK that refuses the version',
    async (level) => {
      test = await startBroker()
      const client = await test.raw()
      client.bytes(connectBytes(test.device('acme.t1'), { level }))
      expect(await client.next('connack')).toMatchObject({ returnCode: 1 })
      await client.whenClosed()
    },
  )

  it('with a client id or a will that is too long is refused with a CONNACK', async () => {
    test = await startBroker()
    const { username, password } = test.device('acme.t1')
    const account = { username, password: Buffer.from(password) }
    const topic = topicOf('acme.t1', 'status')
    const payload = Buffer.alloc(MAX_WILL_BYTES + 1)
    const clientId = 'c'.repeat(MAX_CLIENT_ID_LENGTH + 1)
    const codes: unknown[] = []
    for (const more of [
      { clientId },
      { will: { topic, payload, qos: 1, retain: true } },
    ] as const) {
      const client = await test.raw()
      client.send(connectPacket({ ...account, ...more }))
      codes.push((await client.next('connack'))['returnCode'])
    }
    expect(codes).toEqual([2, 5])
    expect(test.logged(`at most ${MAX_CLIENT_ID_LENGTH} characters`)).toBe(true)
    expect(test.logged(`at most ${MAX_WILL_BYTES} bytes`)).toBe(true)
  })

  it('with a password in place of the user name leaves nothing of it in the log', async () => {
    test = await startBroker()
    test.device('acme.t1')
    const secrets = ['hunter2-of-nobody', 'acme.hunter2', 'hunter2/with.dots']
    for (const username of secrets) {
      for (const password of ['x', undefined]) {
        const client = await test.raw()
        const given = password === undefined ? {} : { password: Buffer.from(password) }
        client.send(connectPacket({ username, ...given }))
        expect(await client.next('connack')).toMatchObject({ returnCode: 4 })
      }
    }
    const known = await test.raw()
    known.send(connectPacket({ username: 'acme.t1', password: Buffer.from('wrong') }))
    await known.next('connack')
    expect(JSON.stringify(test.log)).not.toContain('hunter2')
    expect(test.logged('user name acme.t1')).toBe(true)
    expect(test.logged('user name acme. and no device of it')).toBe(true)
  })
})
