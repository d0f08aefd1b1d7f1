import { afterEach, describe, expect, it } from 'vitest'
import { RETAINED_LIMITS } from '../../../broker/sessions/retained-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { publishPacket, topicOf, type RawClient } from './raw-client.ts'

const count = (client: RawClient, cmd: string) =>
  client.received.filter((packet) => packet.cmd === cmd).length

describe('retained messages', () => {
  let test: TestBroker
  afterEach(() => test.close())

  /** Publishes `number` retained messages, and waits until the last is taken. */
  async function retain(client: RawClient, number: number, payload: Buffer, last = 1) {
    for (let n = 0; n < number; n += 1) {
      const topic = `padborg/v1/acme/t1/r/${n}`
      client.send({ cmd: 'publish', topic, payload, qos: 0, retain: true, dup: false })
    }
    client.send(
      publishPacket(topicOf('acme.t1', 'status'), 'on', { messageId: last, retain: true }),
    )
    await client.next('puback')
  }

  it('are no longer looked for when the client has left', async () => {
    test = await startBroker()
    test.device('acme.t1')
    const flood = await test.signedIn(test.application('acme'))
    await retain(flood, 2000, Buffer.from('r'))
    flood.send({
      cmd: 'subscribe',
      messageId: 2,
      subscriptions: [{ topic: 'padborg/v1/acme/#', qos: 0 }],
    })
    await flood.next('suback')
    flood.socket.destroy()
    const other = await test.signedIn(test.device('beta.t1'))
    other.send(publishPacket(topicOf('beta.t1'), 'x', { messageId: 1 }))
    await other.next('puback')
  })

  it('are limited in bytes for a device, also over a restart, and make room again', async () => {
    test = await startBroker({ maxPacketBytes: 1024 * 1024 })
    test.device('acme.t1')
    // Commands to the device: they count as its own.
    const account = test.application('acme')
    const payload = Buffer.alloc(RETAINED_LIMITS.bytesPerDevice / 8, 'r')
    await retain(await test.signedIn(account), 12, payload)
    const kept = async () => {
      const app = await test.signedIn(account, { clientId: 'reader' })
      app.send({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: [{ topic: 'padborg/v1/acme/t1/r/+', qos: 0 }],
      })
      app.send({ cmd: 'pingreq' })
      await app.next('pingresp')
      await waitFor(() => count(app, 'publish') >= 7, { what: 'the retained messages' })
      app.socket.destroy()
      return count(app, 'publish')
    }
    // The topic counts as well, so the eighth does not fit.
    expect(await kept()).toBe(7)
    expect(await test.metric('padborg_mqtt_shed_total{reason="retained"}')).toBeGreaterThanOrEqual(
      5,
    )
    await test.restart()
    const device = await test.signedIn(account, { clientId: 'writer' })
    await retain(device, 12, payload, 2)
    expect(await kept()).toBe(7)
    for (let n = 0; n < 7; n += 1) {
      device.send(
        publishPacket(`padborg/v1/acme/t1/r/${n}`, '', { messageId: 10 + n, retain: true }),
      )
      await device.next('puback')
    }
    await retain(device, 12, payload, 3)
    expect(await kept()).toBe(7)
  })

  it('of a deleted device do not meet its successor on topics of its own', async () => {
    test = await startBroker()
    const topics = ['uagv/v2/KIT/0001/#']
    const robot = await test.signedIn(test.device('acme.r1', { kind: 'robot', topics }))
    robot.send(
      publishPacket('uagv/v2/KIT/0001/connection', 'ONLINE', { messageId: 1, retain: true }),
    )
    await robot.next('puback')
    const app = await test.signedIn(test.application('acme'))
    const order = publishPacket('uagv/v2/KIT/0001/order', 'go', { messageId: 1, retain: true })
    app.send(order)
    await app.next('puback')
    test.registry.devices.delete('acme.r1')
    const successor = await test.signedIn(test.device('acme.r1', { kind: 'robot', topics }))
    successor.send(
      { cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: topics[0] ?? '', qos: 1 }] },
      { cmd: 'pingreq' },
    )
    await successor.next('pingresp')
    successor.send(publishPacket('uagv/v2/KIT/0001/connection', 'ONLINE', { messageId: 3 }))
    const first = await successor.next('publish')
    expect(first['retain']).toBe(false)
  })
})

describe('filters of one packet', () => {
  let test: TestBroker
  afterEach(() => test.close())

  it('are refused above their limit', async () => {
    test = await startBroker()
    const app = await test.signedIn(test.application('acme'))
    const unsubscriptions = Array.from({ length: 1001 }, (_, n) => `padborg/v1/acme/${n}`)
    app.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions })
    await app.whenClosed()
    expect(test.logged('a packet of 1001 filters, above 1000')).toBe(true)
  })

  it('cost as much as messages: who subscribes without end is read more slowly', async () => {
    test = await startBroker({ maxRatePerDevice: 100 })
    const app = await test.signedIn(test.application('acme'))
    const topics = Array.from({ length: 900 }, (_, n) => `padborg/v1/acme/t/${n}`)
    const subscriptions = topics.map((topic) => ({ topic, qos: 0 as const }))
    app.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    app.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: topics })
    await app.next('suback')
    const other = await test.signedIn(test.device('beta.t1'))
    other.send(publishPacket(topicOf('beta.t1'), 'x', { messageId: 1 }))
    await other.next('puback')
    expect(count(app, 'unsuback')).toBe(0)
  })
})
