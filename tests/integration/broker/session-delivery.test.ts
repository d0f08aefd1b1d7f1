import { afterEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { connectPacket, publishPacket, topicOf, type RawClient } from './raw-client.ts'

type Subscriptions = { topic: string; qos: 0 | 1 | 2 }[]

describe('what a subscriber is sent', () => {
  let test: TestBroker
  afterEach(() => test.close())

  const topic = topicOf('acme.r1', 'order')
  const persistent = { clean: false, clientId: 'p' }

  const subscribe = async (client: RawClient, subscriptions: Subscriptions) => {
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    await client.next('suback')
  }

  /** A robot with a persistent session, and an application that publishes to it. */
  const robotAndApp = async (subscriptions: Subscriptions) => {
    test = await startBroker({ maxOfflineMessages: 1000 })
    const account = test.device('acme.r1')
    const robot = await test.signedIn(account, persistent)
    await subscribe(robot, subscriptions)
    const app = await test.mqtt(test.application('acme'))
    return { account, robot, app }
  }

  const leave = async ({ socket }: RawClient, connections = 1) => {
    socket.destroy()
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === connections)
  }

  const pinged = async (client: RawClient) => {
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
  }

  it('is a retained message with no higher QoS than was granted', async () => {
    const { robot, app } = await robotAndApp([{ topic: topicOf('acme.r1', 'a'), qos: 1 }])
    await app.publishAsync(topic, 'x', { qos: 1, retain: true })
    await subscribe(robot, [{ topic, qos: 0 }])
    expect(await robot.next('publish')).toMatchObject({ retain: true, qos: 0 })
  })

  it('is a message once, with the highest QoS of the filters that match', async () => {
    const wide = topicOf('acme.r1', '#')
    const { robot, app } = await robotAndApp([
      { topic: wide, qos: 0 },
      { topic, qos: 1 },
    ])
    await app.publishAsync(topic, 'x', { qos: 2 })
    expect(await robot.next('publish')).toMatchObject({ qos: 1, dup: false })
    await pinged(robot)
    expect(robot.received).toEqual([])
  })

  it('is kept until it is acknowledged, also where several filters match', async () => {
    const wide = topicOf('acme.r1', '#')
    const { account, robot, app } = await robotAndApp([
      { topic, qos: 1 },
      { topic: wide, qos: 1 },
    ])
    await app.publishAsync(topic, 'x', { qos: 1 })
    const { messageId } = await robot.next('publish')
    await leave(robot)
    const again = await test.signedIn(account, persistent)
    expect(await again.next('publish')).toMatchObject({ messageId, dup: true, qos: 1 })
  })

  it('keeps its QoS when the filter is gone before it is acknowledged', async () => {
    const other = topicOf('acme.r1', 'other')
    const { account, robot, app } = await robotAndApp([
      { topic, qos: 2 },
      { topic: other, qos: 1 },
    ])
    await app.publishAsync(topic, 'x', { qos: 2 })
    await robot.next('publish')
    robot.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic] })
    await robot.next('unsuback')
    await leave(robot)
    const again = await test.signedIn(account, persistent)
    expect(await again.next('publish')).toMatchObject({ qos: 2, dup: true })
  })

  it('is not marked as retained when it waited for a subscriber that was away', async () => {
    const { account, robot, app } = await robotAndApp([{ topic, qos: 1 }])
    await leave(robot)
    await app.publishAsync(topic, 'x', { qos: 1, retain: true })
    const again = await test.signedIn(account, persistent)
    expect(await again.next('publish')).toMatchObject({ retain: false, qos: 1 })
  })

  it('begins with CONNACK, also while messages come for its session', async () => {
    const { account, robot, app } = await robotAndApp([{ topic, qos: 2 }])
    const again = await test.raw()
    const { username, password } = account
    again.send(
      connectPacket({ ...persistent, username, password: Buffer.from(password), clean: false }),
    )
    const sent = Array.from({ length: 100 }, (_, at) => `${at}`)
    for (const payload of sent) {
      app.publish(topic, payload, { qos: 2 })
      await new Promise((resolve) => setImmediate(resolve))
    }
    await robot.whenClosed()
    await waitFor(() => again.received.length + robot.received.length >= sent.length + 1)
    await pinged(again)
    expect(again.received[0]?.cmd).toBe('connack')
    // Each on one of the two connections: what the first one got and did not acknowledge comes again.
    const fresh = [...robot.received, ...again.received].filter(
      (packet) => packet.cmd === 'publish' && !packet.dup,
    )
    expect(fresh.map((packet) => String(Reflect.get(packet, 'payload')))).toEqual(sent)
  })

  it('loses nothing when the connection breaks while the queue is sent', async () => {
    const { account, robot, app } = await robotAndApp([{ topic, qos: 1 }])
    await leave(robot)
    const sent = Array.from({ length: 100 }, (_, at) => `${at}`)
    await Promise.all(sent.map((payload) => app.publishAsync(topic, payload, { qos: 1 })))
    const broken = await test.signedIn(account, persistent)
    await leave(broken)
    const again = await test.signedIn(account, persistent)
    await waitFor(() => again.received.length === sent.length)
    expect(again.received.map((packet) => String(Reflect.get(packet, 'payload')))).toEqual(sent)
  })

  it('has a message id that no message before it still uses', async () => {
    const { account, robot, app } = await robotAndApp([{ topic, qos: 1 }])
    await app.publishAsync(topic, 'first', { qos: 1 })
    const { messageId: first } = await robot.next('publish')
    await leave(robot)
    const again = await test.signedIn(account, persistent)
    await again.next('publish')
    const later = []
    for (let n = 0; n < 65_536; n += 64) {
      const burst = Array.from({ length: 64 }, () => app.publishAsync(topic, 'x', { qos: 1 }))
      await Promise.all(burst)
      await waitFor(() => again.received.length === 64, { everyMs: 1 })
      for (const packet of again.received.splice(0)) {
        later.push(packet.messageId)
        again.send({ cmd: 'puback', messageId: Number(packet.messageId) })
      }
    }
    expect(later).not.toContain(first)
  })
})

describe('a session without subscriptions', () => {
  let test: TestBroker
  afterEach(() => test.close())

  it('is present while a message of QoS 2 waits for its PUBREL', async () => {
    test = await startBroker()
    const account = test.device('acme.t1')
    const session = { clean: false, clientId: 'p' }
    const first = await test.signedIn(account, session)
    first.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 7, qos: 2 }))
    await first.next('pubrec')
    first.socket.destroy()
    await first.whenClosed()
    const { username, password } = account
    const connect = connectPacket({ username, password: Buffer.from(password), ...session })
    const second = await test.raw()
    second.send(connect)
    expect(await second.next('connack')).toMatchObject({ sessionPresent: true })
    second.send({ cmd: 'pubrel', messageId: 7 })
    await second.next('pubcomp')
    second.socket.destroy()
    await second.whenClosed()
    const third = await test.raw()
    third.send(connect)
    expect(await third.next('connack')).toMatchObject({ sessionPresent: false })
  })
})
