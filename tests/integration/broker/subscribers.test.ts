import { afterEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { publishPacket, topicOf } from './raw-client.ts'

describe('subscribers', () => {
  let test: TestBroker
  afterEach(() => test.close())

  const subscribed = async (topic: string, qos: 0 | 1 | 2 = 0) => {
    const client = await test.signedIn(test.application('acme'), { clientId: `s${topic}` })
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] })
    await client.next('suback')
    return client
  }

  it('get a message only after it is durable', async () => {
    test = await startBroker()
    test.intake.mode = 'later'
    const listener = await subscribed('padborg/v1/acme/#')
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1 }))
    await waitFor(() => test.intake.pending.length === 1)
    listener.send({ cmd: 'pingreq' })
    await listener.next('pingresp')
    expect(listener.received).toEqual([])
    test.intake.commit()
    expect(await listener.next('publish')).toMatchObject({ topic: topicOf('acme.t1'), qos: 0 })
  })

  it('get QoS 0 and QoS 1 messages in the order of their acknowledgement', async () => {
    test = await startBroker()
    const listener = await subscribed('padborg/v1/acme/#', 1)
    const client = await test.signedIn(test.device('acme.t1'))
    for (let n = 1; n <= 20; n += 1) {
      const more = n % 2 === 0 ? { messageId: n } : {}
      client.send(publishPacket(topicOf('acme.t1'), `${n}`, more))
    }
    await waitFor(() => listener.received.length === 20)
    const heard = listener.received.map((packet) => Number(String(Reflect.get(packet, 'payload'))))
    expect(heard).toEqual(Array.from({ length: 20 }, (_, at) => at + 1))
  })

  it('get no higher QoS than was granted, also through a wildcard', async () => {
    test = await startBroker()
    const listener = await subscribed('padborg/v1/acme/#', 1)
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1, qos: 2 }))
    expect(await listener.next('publish')).toMatchObject({ qos: 1 })
  })

  it('get nothing after an unsubscribe', async () => {
    test = await startBroker()
    const listener = await subscribed('padborg/v1/acme/#', 1)
    listener.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['padborg/v1/acme/#'] })
    await listener.next('unsuback')
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1 }))
    await client.next('puback')
    listener.send({ cmd: 'pingreq' })
    await listener.next('pingresp')
    expect(listener.received).toEqual([])
  })

  it('that freeze make no publisher wait, and lose messages that are counted', async () => {
    // Had a publisher to wait for the frozen one, it would be this long.
    test = await startBroker({ drainTimeoutMs: 600_000, maxInFlight: 2000 })
    const frozen = await subscribed('padborg/v1/acme/#')
    const healthy = await subscribed('padborg/v1/acme/+/telemetry')
    frozen.socket.pause()
    const published = await publishUntil(
      async () => (await test.metric('padborg_mqtt_shed_total{reason="slow_subscriber"}')) > 0,
    )
    await waitFor(() => healthy.received.length === published)
  })

  it('that freeze are disconnected after the drain timeout', async () => {
    test = await startBroker({ drainTimeoutMs: 300 })
    const frozen = await subscribed('padborg/v1/acme/#')
    frozen.socket.pause()
    await publishUntil(
      async () => (await test.metric('padborg_mqtt_refused_total{reason="slow_subscriber"}')) === 1,
    )
    expect(test.logged('PADBORG_MQTT_DRAIN_TIMEOUT_MS')).toBe(true)
    frozen.socket.resume()
    await frozen.whenClosed()
  })

  /** Publishes, each hundred acknowledged before the next; returns how many. */
  async function publishUntil(isDone: () => Promise<boolean>): Promise<number> {
    const client = await test.signedIn(test.device('acme.t1'))
    const payload = Buffer.alloc(4096, 'x')
    let published = 0
    await waitFor(
      async () => {
        for (let n = 0; n < 100; n += 1) {
          published += 1
          client.send(publishPacket(topicOf('acme.t1'), payload, { messageId: published }))
        }
        await waitFor(() => client.received.length === published, { everyMs: 1 })
        return await isDone()
      },
      { everyMs: 1, timeoutMs: 20_000 },
    )
    return published
  }

  it('do not fill the memory when many publish QoS 0 faster than one of them reads', async () => {
    test = await startBroker({ drainTimeoutMs: 60_000 })
    const slow = await subscribed('padborg/v1/acme/#')
    slow.socket.pause()
    const ids = Array.from({ length: 40 }, (_, at) => `acme.d${at}`)
    const clients = await Promise.all(ids.map((id) => test.signedIn(test.device(id))))
    const before = process.memoryUsage().rss
    const payload = Buffer.alloc(300, 'x')
    for (let round = 0; round < 25; round += 1) {
      for (const [at, client] of clients.entries()) {
        const packet = publishPacket(topicOf(ids[at] ?? ''), payload)
        client.send(...Array.from({ length: 100 }, () => packet))
      }
      const expected = (round + 1) * clients.length * 100
      await waitFor(() => test.intake.accepted.length === expected, { everyMs: 1 })
    }
    const grownMb = (process.memoryUsage().rss - before) / 1e6
    // The test keeps 100 000 messages itself; a queue of as many copies would be far above.
    expect(grownMb).toBeLessThan(350)
    expect(await test.metric('padborg_mqtt_shed_total{reason="slow_subscriber"}')).toBeGreaterThan(
      0,
    )
    expect(test.log.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('that do not read retained messages are disconnected, and others are served', async () => {
    test = await startBroker({ drainTimeoutMs: 300 })
    const client = await test.signedIn(test.device('acme.t1'))
    const topic = topicOf('acme.t1', 'status')
    const large = Buffer.alloc(200_000, 'x')
    client.send(publishPacket(topic, large, { messageId: 1, retain: true }))
    await client.next('puback')
    client.socket.pause()
    await waitFor(async () => {
      client.send({ cmd: 'subscribe', messageId: 2, subscriptions: [{ topic, qos: 0 }] })
      return (await test.metric('padborg_mqtt_refused_total{reason="slow_subscriber"}')) === 1
    })
    const other = await test.signedIn(test.device('acme.t2'))
    other.send(publishPacket(topicOf('acme.t2'), 'x', { messageId: 1 }))
    await other.next('puback')
  })

  it('that do not read responses are not read from any more', async () => {
    test = await startBroker({ drainTimeoutMs: 60_000 })
    const client = await test.signedIn(test.device('acme.t1'))
    const topic = topicOf('acme.t1', 'status')
    const large = Buffer.alloc(200_000, 'x')
    client.send(publishPacket(topic, large, { messageId: 1, retain: true }))
    await client.next('puback')
    client.socket.pause()
    const padding = { topic: 'x'.repeat(60_000), qos: 0 } as const
    const subscriptions = [{ topic, qos: 0 } as const, padding]
    let before = -1
    await waitFor(
      () => {
        for (let n = 0; n < 50; n += 1)
          client.send({ cmd: 'subscribe', messageId: 2, subscriptions })
        const taken = client.socket.bytesWritten - client.socket.writableLength
        const stopped = taken === before
        before = taken
        return stopped
      },
      { everyMs: 300, timeoutMs: 10_000, what: 'the broker to stop reading' },
    )
    expect(before).toBeLessThan(32 * 1024 * 1024)
  })

  it('that do not read acknowledgements are disconnected', async () => {
    test = await startBroker({ drainTimeoutMs: 300, maxInFlightPerClient: 10_000 })
    const client = await test.signedIn(test.device('acme.t1'))
    client.socket.pause()
    const topic = topicOf('acme.t1', 'status')
    const probe = topicOf('acme.t1', 'probe/request')
    client.send({
      cmd: 'subscribe',
      messageId: 2,
      subscriptions: [{ topic: topicOf('acme.t1', 'probe/response'), qos: 0 }],
    })
    // Echoes fill the socket; then comes what has to be acknowledged.
    const echoes = Array.from({ length: 20 }, () => publishPacket(probe, Buffer.alloc(60_000, 'x')))
    await waitFor(async () => {
      client.send(...echoes)
      for (let n = 1; n <= 100; n += 1) client.send(publishPacket(topic, 'x', { messageId: n }))
      return (await test.metric('padborg_mqtt_refused_total{reason="slow_subscriber"}')) === 1
    })
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 0)
  })
})

describe('wills', () => {
  let test: TestBroker
  afterEach(() => test.close())

  it('are journaled as wills of the device, and kept when retained', async () => {
    test = await startBroker()
    const topic = topicOf('acme.t1', 'status')
    const client = await test.signedIn(test.device('acme.t1'), {
      will: { topic, payload: Buffer.from('offline'), qos: 1, retain: true },
    })
    client.socket.destroy()
    await waitFor(() => test.intake.accepted.length === 1)
    expect(test.intake.accepted[0]).toMatchObject({
      device: 'acme.t1',
      topic,
      will: true,
      retain: true,
      qos: 1,
      dup: false,
    })
    const app = await test.signedIn(test.application('acme'))
    app.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] })
    expect(String((await app.next('publish'))['payload'])).toBe('offline')
  })

  it('are not published after a DISCONNECT, nor when the broker closes', async () => {
    test = await startBroker()
    const will = { topic: topicOf('acme.t1', 'status'), payload: Buffer.from('x'), qos: 0 as const }
    const account = test.device('acme.t1')
    const polite = await test.signedIn(account, { will, clientId: 'a' })
    await test.signedIn(account, { will, clientId: 'b' })
    polite.send({ cmd: 'disconnect' })
    await polite.whenClosed()
    const { intake } = test
    await test.broker.close()
    expect(intake.accepted).toEqual([])
  })
})
