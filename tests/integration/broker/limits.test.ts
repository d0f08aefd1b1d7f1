import mqttPacket from 'mqtt-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '#lib/runtime/clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { connectPacket, publishPacket, topicOf } from './raw-client.ts'

describe('the limits of the broker', () => {
  let test: TestBroker
  afterEach(() => test.close())

  const refused = (reason: string) => test.metric(`padborg_mqtt_refused_total{reason="${reason}"}`)

  it('closes a connection at the header of a 20 MB packet, before its body has come', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    const packet = mqttPacket.generate(
      publishPacket(topicOf('acme.t1'), Buffer.alloc(20_000_000), { messageId: 1 }),
    )
    client.bytes(packet.subarray(0, 100))
    await client.whenClosed()
    expect(test.logged('PADBORG_MQTT_MAX_PACKET_BYTES')).toBe(true)
    expect(await refused('packet_size')).toBe(1)
    expect(test.intake.accepted).toEqual([])
  })

  it('closes it also when the header comes in two pieces', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    client.bytes(Buffer.from([0x32]))
    client.send()
    await new Promise((resolve) => setImmediate(resolve))
    client.bytes(Buffer.from([0x80, 0x80, 0x80]))
    await new Promise((resolve) => setImmediate(resolve))
    client.bytes(Buffer.from([0x01]))
    await client.whenClosed()
    expect(await refused('packet_size')).toBe(1)
  })

  it('accepts 1 MiB when that is allowed', async () => {
    test = await startBroker({ maxPacketBytes: 1024 * 1024 + 100 })
    const client = await test.signedIn(test.device('acme.t1'))
    const payload = Buffer.alloc(1024 * 1024, 'x')
    payload.write('begin', 0)
    payload.write('end', payload.length - 3)
    client.send(
      publishPacket(topicOf('acme.t1'), payload, { messageId: 1 }),
      publishPacket(topicOf('acme.t1'), 'next', { messageId: 2 }),
    )
    await client.next('puback')
    await client.next('puback')
    expect(payload.equals(Buffer.from(test.intake.accepted[0]?.payload ?? []))).toBe(true)
  })

  it('reads no further than the messages in flight of one client, and loses none', async () => {
    test = await startBroker({ maxInFlightPerClient: 10 })
    test.intake.mode = 'later'
    const client = await test.signedIn(test.device('acme.t1'))
    const other = await test.signedIn(test.device('acme.t2'))
    const ids = Array.from({ length: 35 }, (_, at) => at + 1)
    client.send(
      ...ids.map((messageId) => publishPacket(topicOf('acme.t1'), `${messageId}`, { messageId })),
    )
    await waitFor(() => test.intake.pending.length === 10)
    other.send(publishPacket(topicOf('acme.t2'), 'x', { messageId: 1 }), { cmd: 'pingreq' })
    await other.next('pingresp')
    expect(test.intake.pending).toHaveLength(11)
    await waitFor(() => {
      test.intake.commit()
      return client.received.length === 35
    })
    expect(client.received.map((packet) => packet.messageId)).toEqual(ids)
  })

  it('reads no further than the messages in flight of all clients, and leaves room for other tenants', async () => {
    test = await startBroker({ maxInFlight: 10 })
    test.intake.mode = 'later'
    const names = ['acme.t1', 'acme.t2', 'acme.t3', 'beta.t1']
    const clients = await Promise.all(names.map((id) => test.signedIn(test.device(id))))
    const ids = Array.from({ length: 20 }, (_, at) => at + 1)
    const sendAll = (at: number) => {
      const topic = topicOf(names[at] ?? '')
      clients[at]?.send(
        ...ids.map((messageId) => publishPacket(topic, `${messageId}`, { messageId })),
      )
    }
    for (const at of [0, 1, 2]) sendAll(at)
    await waitFor(() => test.intake.pending.length === 5)
    expect(await test.metric('padborg_mqtt_in_flight')).toBe(5)
    sendAll(3)
    await waitFor(() => test.intake.accepted.some(({ device }) => device === 'beta.t1'))
    await waitFor(() => {
      expect(test.intake.pending.length).toBeLessThanOrEqual(10)
      test.intake.commit()
      return clients.every(({ received }) => received.length === 20)
    })
    expect(test.intake.accepted).toHaveLength(80)
    expect(await test.metric('padborg_mqtt_in_flight')).toBe(0)
  })

  it.each([
    ['account', { maxConnectionsPerAccount: 2 }, 'ACCOUNT', ['acme.t2', 'beta.t1']],
    ['tenant', { maxConnectionsPerTenant: 2 }, 'TENANT', ['beta.t1', 'beta.t2']],
  ])('lets no %s have more connections than its limit', async (_of, options, of, others) => {
    test = await startBroker(options)
    const account = test.device('acme.t1')
    const first = await test.signedIn(account, { clientId: 'a' })
    await test.signedIn(account, { clientId: 'b' })
    const { username, password } = account
    const third = await test.raw()
    third.send(connectPacket({ username, password: Buffer.from(password), clientId: 'c' }))
    expect(await third.next('connack')).toMatchObject({ returnCode: 3 })
    expect(test.logged(`PADBORG_MQTT_MAX_CONNECTIONS_PER_${of}`)).toBe(true)
    // The same client may come back, and others are not affected.
    await test.signedIn(account, { clientId: 'a' })
    await first.whenClosed()
    for (const id of others) await test.signedIn(test.device(id))
    expect(await test.metric('padborg_mqtt_connections')).toBe(4)
  })

  it('reads a client above the rate later, and drops nothing of it', async () => {
    let monoNs = 1n
    const clock = { nowNs: () => systemClock.nowNs(), monoNs: () => monoNs }
    test = await startBroker({ maxRatePerDevice: 100 }, clock)
    const client = await test.signedIn(test.device('acme.t1'))
    const other = await test.signedIn(test.device('acme.t2'))
    const taken = () => test.intake.accepted.filter(({ device }) => device === 'acme.t1').length
    const pass = async (ms: number) => {
      monoNs += BigInt(ms) * 1_000_000n
      // A roundtrip of another client: the first one has had its turn.
      other.send(publishPacket(topicOf('acme.t2'), 'x', { messageId: 1 }))
      await other.next('puback')
    }
    const packets = Array.from({ length: 200 }, (_, at) =>
      publishPacket(topicOf('acme.t1'), `${at}`),
    )
    client.send(...packets, { cmd: 'disconnect' })
    client.socket.end()
    // One second of messages is taken at once, and the others as time passes.
    await waitFor(() => taken() === 100)
    await pass(0)
    expect(taken()).toBe(100)
    await pass(500)
    await waitFor(() => taken() === 150)
    await pass(0)
    expect(taken()).toBe(150)
    await pass(5000)
    await waitFor(() => taken() === 200)
    await client.whenClosed()
  })

  it('closes a publish with too many levels and refuses such a filter', async () => {
    test = await startBroker({ maxTopicLevels: 6 })
    const account = test.device('acme.t1', { topics: ['deep/#'] })
    const client = await test.signedIn(account)
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [
        { topic: 'deep/2/3/4/5/6', qos: 0 },
        { topic: 'deep/2/3/4/5/6/7', qos: 0 },
      ],
    })
    expect((await client.next('suback'))['granted']).toEqual([0, 128])
    client.send(publishPacket('deep/2/3/4/5/6', 'x', { messageId: 1 }))
    await client.next('puback')
    client.send(publishPacket('deep/2/3/4/5/6/7', 'x', { messageId: 2 }))
    await client.whenClosed()
    expect(test.logged('PADBORG_MQTT_MAX_TOPIC_LEVELS')).toBe(true)
  })

  it('closes a connection whose CONNECT is long, before all of it has come', async () => {
    test = await startBroker()
    const client = await test.raw()
    client.bytes(Buffer.concat([Buffer.from([0x10, 0xff, 0xff, 0x07]), Buffer.alloc(100_000)]))
    await client.whenClosed()
    expect(await refused('packet_size')).toBe(1)
  })

  it('ends a connection without a CONNECT', async () => {
    test = await startBroker({ connectTimeoutMs: 100 })
    const client = await test.raw()
    await client.whenClosed()
    expect(test.logged('PADBORG_MQTT_CONNECT_TIMEOUT_MS')).toBe(true)
  })

  it('keeps only the newest messages for a subscriber that is away', async () => {
    test = await startBroker({ maxOfflineMessages: 5 })
    const robot = test.device('acme.r1', { kind: 'robot' })
    const away = await test.signedIn(robot, { clean: false, clientId: 'p' })
    const topic = topicOf('acme.r1', 'command')
    away.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] })
    await away.next('suback')
    away.socket.destroy()
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 0)
    const app = await test.mqtt(test.application('acme'))
    for (let n = 0; n < 8; n += 1) await app.publishAsync(topic, `${n}`, { qos: 1 })
    expect(await test.metric('padborg_mqtt_shed_total{reason="offline_queue"}')).toBe(3)
    const back = await test.signedIn(robot, { clean: false, clientId: 'p' })
    await waitFor(() => back.received.length === 5)
    expect(back.received.map((packet) => String(Reflect.get(packet, 'payload')))).toEqual([
      '3',
      '4',
      '5',
      '6',
      '7',
    ])
  })

  it('survives a flood of subscribes, and serves others meanwhile', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1', { topics: ['own/#'] }))
    const other = await test.signedIn(test.device('acme.t2'))
    const bytes = Buffer.concat(
      Array.from({ length: 3000 }, (_, at) =>
        mqttPacket.generate({
          cmd: 'subscribe',
          messageId: at + 1,
          subscriptions: [{ topic: `own/${at}`, qos: 0 }],
        }),
      ),
    )
    client.bytes(bytes)
    other.send(publishPacket(topicOf('acme.t2'), 'x', { messageId: 1 }))
    await other.next('puback')
    expect(client.received.length).toBeLessThan(3000)
    await waitFor(() => client.received.length === 3000)
    const granted = client.received.filter((packet) => Reflect.get(packet, 'granted')[0] === 0)
    expect(granted).toHaveLength(1000)
    expect(await refused('filters')).toBe(2000)
  })
})

describe('broken clients', () => {
  let test: TestBroker
  afterEach(() => test.close())

  const connect = Buffer.from([0x10, 12, 0, 4, ...Buffer.from('MQTT'), 4, 2, 0, 0, 0, 0])
  it.each([
    ['text', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a PUBLISH before CONNECT', Buffer.from([0x30, 3, 0, 1, 97])],
    ['a length without end', Buffer.from([0x10, 255, 255, 255, 255, 255])],
    ['a broken CONNECT', Buffer.from([0x10, 4, 0, 99, 1, 2])],
    ['zeros', Buffer.alloc(64)],
    ['a TLS hello', Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5])],
    ['a CONNECT of nobody and garbage', Buffer.concat([connect, Buffer.alloc(100, 0xff)])],
  ])('are closed after %s', async (_what, bytes) => {
    test = await startBroker()
    const client = await test.raw()
    client.bytes(bytes)
    await client.whenClosed()
    expect(test.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  it.each([
    ['a second CONNECT', connect],
    ['a server packet', Buffer.from([0x20, 2, 0, 0])],
    ['QoS 3', Buffer.from([0x36, 5, 0, 1, 97, 0, 1])],
    ['a topic longer than its packet', Buffer.from([0x30, 3, 0, 9, 97])],
    ['message id 0', Buffer.from([0x32, 5, 0, 1, 97, 0, 0])],
    ['an empty topic', Buffer.from([0x30, 2, 0, 0])],
    ['a subscribe without filters', Buffer.from([0x82, 2, 0, 1])],
    ['a malformed PUBREL', Buffer.from([0x62, 1, 0])],
    ['QoS 0 sent again', Buffer.from([0x38, 4, 0, 1, 97, 120])],
    ['a topic that is no UTF-8', Buffer.from([0x30, 4, 0, 1, 0xff, 120])],
    ['a subscribe with wrong flags', Buffer.from([0x80, 6, 0, 1, 0, 1, 97, 0])],
    ['a subscribe with message id 0', Buffer.from([0x82, 6, 0, 0, 0, 1, 97, 0])],
    ['a subscribe of QoS 3', Buffer.from([0x82, 6, 0, 1, 0, 1, 97, 3])],
    ['a subscribe to an empty filter', Buffer.from([0x82, 5, 0, 1, 0, 0, 0])],
    ['a filter that is no UTF-8', Buffer.from([0x82, 6, 0, 1, 0, 1, 0xc0, 0])],
    ['an unsubscribe without filters', Buffer.from([0xa2, 2, 0, 1])],
    ['a filter longer than its packet', Buffer.from([0xa2, 5, 0, 1, 0, 9, 97])],
    ['a PUBACK with flags', Buffer.from([0x42, 2, 0, 1])],
    ['a PUBACK of three bytes', Buffer.from([0x40, 3, 0, 1, 0])],
    ['a PINGREQ with a body', Buffer.from([0xc0, 1, 0])],
    ['a DISCONNECT with flags', Buffer.from([0xe1, 0])],
  ])('that have signed in are closed after %s', async (_what, bytes) => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    const other = await test.signedIn(test.device('acme.t2'))
    client.bytes(bytes)
    await client.whenClosed()
    other.send({ cmd: 'pingreq' })
    await other.next('pingresp')
    expect(test.intake.accepted).toEqual([])
  })

  it('accepts an empty payload', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(publishPacket(topicOf('acme.t1'), '', { messageId: 1 }))
    await client.next('puback')
    expect(test.intake.accepted[0]?.payload).toHaveLength(0)
  })

  it('survives random bytes behind a sign-in', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
    process.stdout.write(`SEED=${seed}\n`)
    let state = seed
    const next = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648)
    test = await startBroker()
    const account = test.device('acme.t1')
    for (let round = 0; round < 60; round += 1) {
      const client = await test.signedIn(account, { clientId: `c${round}` })
      const bytes = Buffer.from(Array.from({ length: 1 + (next() % 400) }, () => next() >> 8))
      // Plausible first bytes get deeper into the parsers than plain noise.
      bytes[0] = [0x30, 0x32, 0x34, 0x62, 0x82, 0xa2, 0xc0, 0x40][next() % 8] ?? 0
      bytes[1] = next() % 60
      client.bytes(bytes)
      client.socket.end()
      await client.whenClosed()
    }
    const sane = await test.signedIn(account)
    sane.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1 }))
    await sane.next('puback')
    expect(test.log.filter(({ level }) => level === 'error')).toEqual([])
  })
})
