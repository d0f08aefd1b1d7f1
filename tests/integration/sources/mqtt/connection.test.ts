import mqttPacket from 'mqtt-packet'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { FakeBroker, publish } from './fake-broker.ts'
import { TestSource } from './test-source.ts'

const ACCEPTED = { reasonCode: 0, returnCode: 0, sessionPresent: false }
const TOPIC = 'padborg/v1/acme/t1/telemetry'

describe('the connection to a foreign broker', () => {
  let broker: FakeBroker
  let test: TestSource

  beforeEach(async () => {
    broker = await FakeBroker.start()
    test = new TestSource({ url: broker.url, share: 'intakes', keepAliveMs: 400 })
    test.device('acme.t1')
  })

  afterEach(async () => {
    await test.close()
    await broker.close()
  })

  it('keeps a session under one client id, and limits what is in flight', async () => {
    await test.subscribed()
    const { connect } = await broker.peer(0)
    expect(connect).toMatchObject({
      protocolVersion: 5,
      clean: false,
      username: 'u',
      properties: { receiveMaximum: 1000, sessionExpiryInterval: 259_200 },
    })
    expect(connect.clientId).toMatch(/^padborg[0-9a-f]{16}$/)
    await test.again()
    await test.subscribed()
    expect((await broker.peer(1)).connect.clientId).toBe(connect.clientId)
  })

  it('acknowledges in the order of arrival, all that becomes durable at once in one write', async () => {
    test.intake.mode = 'later'
    await test.subscribed()
    const peer = await broker.peer(0)
    for (let id = 1; id <= 300; id += 1) peer.send(publish(TOPIC, `m${id}`, id))
    await waitFor(() => test.intake.pending.length === 300)
    // A command does not wait for the journal, but it came later.
    peer.send(publish('padborg/v1/acme/t1/orders', 'command', 301))
    await waitFor(() => test.intake.commands.length === 1)
    expect(peer.ackReads).toEqual([])
    test.intake.commit()
    await waitFor(() => peer.ackReads.flat().length === 301)
    expect(peer.ackReads).toEqual([Array.from({ length: 301 }, (_, at) => at + 1)])
  })

  it('takes messages that come byte by byte and many at once', async () => {
    await test.subscribed()
    const peer = await broker.peer(0)
    const properties = { userProperties: { from: 'a device' }, messageExpiryInterval: 60 }
    const packet = { ...publish(TOPIC, 'x'.repeat(300), 7), properties }
    const one = mqttPacket.generate(packet, { protocolVersion: 5 })
    for (const byte of one) peer.socket.write(Buffer.from([byte]))
    peer.socket.write(Buffer.concat([one, one, one.subarray(0, 3)]))
    peer.socket.write(one.subarray(3))
    await waitFor(() => test.intake.accepted.length === 4)
    expect(new Set(test.intake.accepted.map(({ payload }) => String(payload)))).toEqual(
      new Set(['x'.repeat(300)]),
    )
  })

  it('continues with MQTT 3.1.1 and a plain subscription where MQTT 5 is refused, and logs it', async () => {
    broker.welcome = ({ protocolVersion }) =>
      protocolVersion === 5
        ? Buffer.from([0x20, 2, 0, 1])
        : { cmd: 'connack', returnCode: 0, sessionPresent: false }
    await test.subscribed()
    const peer = await broker.peer(1)
    expect(peer.connect.protocolVersion).toBe(4)
    expect(peer.packets[1]).toMatchObject({ subscriptions: [{ topic: 'padborg/v1/#', qos: 1 }] })
    expect(test.logged('refuses MQTT 5; continuing with MQTT 3.1.1 and a plain subscription')).toBe(
      true,
    )
    peer.send(publish(TOPIC, 'old', 1))
    await waitFor(() => peer.ackReads.flat().length === 1)
    expect(test.source.status()).toMatchObject({ version: 4, shared: false })
  })

  it('tries MQTT 3.1.1 with a broker that closes without an answer, but not after one silent close', async () => {
    broker.welcome = ({ protocolVersion }) =>
      protocolVersion === 5 ? null : { cmd: 'connack', returnCode: 0, sessionPresent: false }
    await test.subscribed()
    const versions = broker.peers.map(({ connect }) => connect.protocolVersion)
    // 3.1.1 works, and then 5 fails once more: only that is a proof.
    expect(versions).toEqual([5, 5, 5, 4, 5, 4])
    expect(test.logged('closes connections of MQTT 5 without an answer')).toBe(true)
  })

  it('stays with MQTT 5 when a load balancer closed connections while the broker was away', async () => {
    broker.welcome = () => (broker.peers.length < 3 ? null : { cmd: 'connack', ...ACCEPTED })
    await test.subscribed()
    expect(broker.peers.map(({ connect }) => connect.protocolVersion)).toEqual([5, 5, 5, 4, 5])
    expect(test.source.status()).toMatchObject({ version: 5, shared: true, connects: 1 })
    expect(test.logged('3.1.1')).toBe(false)
  })

  it('reports once that user name and password are wrong, and keeps trying', async () => {
    broker.welcome = () => ({ cmd: 'connack', reasonCode: 0x86, sessionPresent: false })
    await test.source.start()
    await broker.peer(3)
    const errors = test.log.filter(({ level }) => level === 'error')
    expect(errors.map(({ text }) => text)).toEqual([
      'no messages from the foreign broker: it does not accept this user name and password; correct PADBORG_MQTT_URL',
    ])
    expect(JSON.stringify(test.log)).not.toContain('u:p@')
    expect(test.source.status().problem).toContain('user name and password')
  })

  it('reports why the broker ends the connection, reconnects and subscribes again', async () => {
    await test.subscribed()
    const peer = await broker.peer(0)
    peer.send({ cmd: 'disconnect', reasonCode: 0x8e })
    const next = await broker.peer(1)
    await waitFor(() => next.packets.some(({ cmd }) => cmd === 'subscribe'))
    expect(test.logged('another client has taken over our session')).toBe(true)
    expect(test.logged('DISCONNECT 0x8e')).toBe(true)
    await waitFor(() => test.source.status().problem === '')
    expect(test.source.status().connects).toBe(2)
  })

  it('reports refused subscriptions, and subscribes when they are granted later', async () => {
    test.device('acme.r1', { kind: 'robot', format: 'vda5050', topics: ['uagv/v2/KIT/0001/#'] })
    broker.grant = (filter) => (filter.includes('uagv') ? 0x87 : 1)
    await test.subscribed()
    const problem =
      'the foreign broker refuses a subscription: this user is not authorized there; grant it the ' +
      'subscription, or use another user'
    expect(test.log.filter(({ level }) => level === 'error')).toMatchObject([
      { text: problem, fields: { filters: ['$share/intakes/uagv/v2/KIT/0001/#'], code: '0x87' } },
    ])
    expect(test.source.status()).toMatchObject({ filters: 1, problem })
    broker.grant = () => 1
    await waitFor(() => test.source.status().problem === '')
    expect(test.source.status().filters).toBe(2)
  })

  it('does not subscribe where the broker has no shared subscriptions', async () => {
    broker.welcome = () => ({
      cmd: 'connack',
      reasonCode: 0,
      sessionPresent: false,
      properties: { sharedSubscriptionAvailable: false },
    })
    await test.source.start()
    await waitFor(() => test.logged('it has no shared subscriptions'))
    const peer = await broker.peer(0)
    expect(peer.packets.filter(({ cmd }) => cmd === 'subscribe')).toEqual([])
  })

  it('reports that the broker has lost the session and the messages in it', async () => {
    await test.subscribed()
    await test.again()
    await test.subscribed()
    expect(test.logged('has lost our session')).toBe(true)
  })

  it('disconnects from a broker that is silent for the keep-alive', async () => {
    broker.pings = false
    await test.subscribed()
    const peer = await broker.peer(0)
    await broker.peer(1)
    expect(peer.packets.some(({ cmd }) => cmd === 'pingreq')).toBe(true)
    expect(test.logged('nothing came from it for the keep-alive')).toBe(true)
  })

  it('reads nothing while the intake takes nothing, keeps the connection, and loses nothing', async () => {
    await test.subscribed()
    const peer = await broker.peer(0)
    test.intake.pause()
    for (let id = 1; id <= 500; id += 1) peer.send(publish(TOPIC, 'x'.repeat(60_000), id))
    const pings = () => peer.packets.filter(({ cmd }) => cmd === 'pingreq').length
    const before = pings()
    await waitFor(() => pings() >= before + 6, { timeoutMs: 5000 })
    expect(test.intake.accepted.length).toBe(0)
    expect(peer.socket.writableLength).toBeGreaterThan(10_000_000)
    expect(broker.peers.length).toBe(1)
    test.intake.resume()
    await waitFor(() => peer.ackReads.flat().length === 500)
    expect(peer.ackReads.flat()).toEqual(Array.from({ length: 500 }, (_, at) => at + 1))
    expect(broker.peers.length).toBe(1)
  })

  it('reports a message that is too large, acknowledges it, and takes the next', async () => {
    await test.subscribed()
    const peer = await broker.peer(0)
    peer.send(publish(TOPIC, 'x'.repeat(300_000), 1))
    peer.send(publish(TOPIC, 'small', 2))
    await waitFor(() => peer.ackReads.flat().length === 2)
    expect(test.intake.accepted.map(({ payload }) => String(payload))).toEqual(['small'])
    expect(await test.metric('padborg_mqtt_refused_total{reason="packet_size"}')).toBe(1)
    expect(test.log.find(({ fields }) => fields['reason'] === 'packet_size')?.fields).toMatchObject(
      {
        topic: TOPIC,
      },
    )
  })

  it('on close acknowledges what is durable, disconnects cleanly, and leaves the rest to the session', async () => {
    test.intake.mode = 'later'
    await test.subscribed()
    const peer = await broker.peer(0)
    peer.send(publish(TOPIC, 'a', 1))
    peer.send(publish(TOPIC, 'b', 2))
    await waitFor(() => test.intake.pending.length === 2)
    const closed = test.source.close()
    peer.send(publish(TOPIC, 'too late', 3))
    test.intake.commit()
    await closed
    expect(peer.ackReads.flat()).toEqual([1, 2])
    expect(peer.packets.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode: 0 })
    expect(test.intake.accepted.length).toBe(2)
  })

  it('closes without acknowledging what cannot become durable', async () => {
    test.intake.mode = 'later'
    await test.subscribed()
    const peer = await broker.peer(0)
    peer.send(publish(TOPIC, 'a', 1))
    await waitFor(() => test.intake.pending.length === 1)
    test.intake.pause()
    await test.source.close()
    expect(peer.ackReads).toEqual([])
  })
})
