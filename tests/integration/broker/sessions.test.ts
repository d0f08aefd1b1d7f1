import { afterEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { publishPacket, topicOf } from './raw-client.ts'

describe('sessions and retained messages', () => {
  let test: TestBroker
  afterEach(() => test.close())

  const status = topicOf('acme.t1', 'status')

  const retainedOf = async (topic: string) => {
    const app = await test.signedIn(test.application('acme'), { clientId: `r${topic}` })
    app.send(
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] },
      { cmd: 'pingreq' },
    )
    await app.next('pingresp')
    app.send({ cmd: 'pingreq' })
    await app.next('pingresp')
    return app.received
      .filter(({ cmd }) => cmd === 'publish')
      .map((packet) => String(Reflect.get(packet, 'payload')))
  }

  it('keep retained messages over a restart, also of telemetry without subscribers', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(publishPacket(status, 'on', { messageId: 1, retain: true }))
    client.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 2, retain: true }))
    await client.next('puback')
    await client.next('puback')
    client.send(publishPacket(topicOf('acme.t1'), '', { messageId: 3, retain: true }))
    await client.next('puback')
    await test.restart()
    expect(await retainedOf('padborg/v1/acme/#')).toEqual(['on'])
    expect(await retainedOf(status)).toEqual(['on'])
  })

  it('drop the retained messages of a deleted device', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(publishPacket(status, 'on', { messageId: 1, retain: true }))
    await client.next('puback')
    test.registry.devices.delete('acme.t1')
    expect(await retainedOf('padborg/v1/acme/#')).toEqual([])
    test.device('acme.t1')
    await test.restart()
    expect(await retainedOf('padborg/v1/acme/#')).toEqual([])
  })

  it('keep granted subscriptions over a restart, but not refused or removed ones', async () => {
    test = await startBroker()
    test.device('acme.t2')
    const robot = test.device('acme.t1')
    const session = { clean: false, clientId: 'p' }
    const before = await test.signedIn(robot, session)
    const topics = [topicOf('acme.t1', 'a'), topicOf('acme.t2', 'a'), topicOf('acme.t1', 'b')]
    before.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: topics.map((topic) => ({ topic, qos: 1 as const })),
    })
    expect((await before.next('suback'))['granted']).toEqual([1, 128, 1])
    before.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topics[2] ?? ''] })
    await before.next('unsuback')
    await test.restart()
    const app = await test.mqtt(test.application('acme'))
    for (const topic of topics) await app.publishAsync(topic, topic, { qos: 1 })
    const after = await test.raw()
    after.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      keepalive: 0,
      ...session,
      username: robot.username,
      password: Buffer.from(robot.password),
    })
    expect(await after.next('connack')).toMatchObject({ sessionPresent: true })
    expect(await after.next('publish')).toMatchObject({ topic: topics[0], qos: 1 })
    after.send({ cmd: 'pingreq' })
    await after.next('pingresp')
    expect(after.received).toEqual([])
  })

  it('send a queued message again until it is acknowledged', async () => {
    test = await startBroker()
    const robot = test.device('acme.r1')
    const session = { clean: false, clientId: 'p' }
    const topic = topicOf('acme.r1', 'order')
    const first = await test.signedIn(robot, session)
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] })
    await first.next('suback')
    const app = await test.mqtt(test.application('acme'))
    await app.publishAsync(topic, 'go', { qos: 1 })
    await first.next('publish')
    first.socket.destroy()
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 1)
    const second = await test.signedIn(robot, session)
    const { messageId } = await second.next('publish')
    second.send({ cmd: 'puback', messageId: Number(messageId) }, { cmd: 'pingreq' })
    await second.next('pingresp')
    second.socket.destroy()
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 1)
    const third = await test.signedIn(robot, session)
    third.send({ cmd: 'pingreq' })
    await third.next('pingresp')
    expect(third.received).toEqual([])
  })

  it('keep nothing of a clean session', async () => {
    test = await startBroker()
    const robot = test.device('acme.r1')
    const topic = topicOf('acme.r1', 'order')
    const first = await test.signedIn(robot, { clean: false, clientId: 'p' })
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] })
    await first.next('suback')
    await test.signedIn(robot, { clean: true, clientId: 'p' })
    await first.whenClosed()
    const app = await test.mqtt(test.application('acme'))
    await app.publishAsync(topic, 'go', { qos: 1 })
    const again = await test.signedIn(robot, { clean: false, clientId: 'p' })
    again.send({ cmd: 'pingreq' })
    await again.next('pingresp')
    expect(again.received).toEqual([])
  })

  it('drop the oldest of too many sessions of one account', async () => {
    test = await startBroker()
    const robot = test.device('acme.r1')
    const topic = topicOf('acme.r1', 'order')
    for (let n = 0; n < 65; n += 1) {
      const client = await test.signedIn(robot, { clean: false, clientId: `p${n}` })
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] })
      await client.next('suback')
      client.send({ cmd: 'disconnect' })
      await client.whenClosed()
    }
    const app = await test.mqtt(test.application('acme'))
    await app.publishAsync(topic, 'go', { qos: 1 })
    const newest = await test.signedIn(robot, { clean: false, clientId: 'p64' })
    expect(await newest.next('publish')).toMatchObject({ topic })
    const oldest = await test.signedIn(robot, { clean: false, clientId: 'p0' })
    oldest.send({ cmd: 'pingreq' })
    await oldest.next('pingresp')
    expect(oldest.received).toEqual([])
  })
})
