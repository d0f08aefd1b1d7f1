import { afterEach, describe, expect, it } from 'vitest'
import { MESSAGES_PER_TURN } from '../../../broker/connections/tenant-turns.ts'
import { DELIVERIES_PER_TURN, MAX_FORWARDING } from '../../../broker/publish/forward.ts'
import { MAX_UNFINISHED_SESSIONS } from '../../../broker/publish/qos2-messages.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { publishPacket, topicOf, type RawClient } from './raw-client.ts'

const repeated = (bytes: readonly Buffer[]) => Buffer.concat(bytes)

describe('a flood of one tenant', () => {
  let test: TestBroker
  afterEach(() => test.close())

  /** Messages of QoS 0 and 1 as bytes, ready to be written at once. */
  function floodBytes(device: string, messages: number): Buffer {
    const topic = Buffer.from(topicOf(device))
    const one = (n: number) => {
      const isQos1 = n % 2 === 1
      const id = isQos1 ? [(n >> 8) & 255, n & 255] : []
      const body = [0, topic.length, ...topic, ...id, 120]
      return Buffer.from([isQos1 ? 0x32 : 0x30, body.length, ...body])
    }
    return repeated(Array.from({ length: messages }, (_, n) => one(n + 1)))
  }

  const takenOf = (tenant: string) =>
    test.intake.accepted.filter(({ device }) => device.startsWith(`${tenant}.`)).length

  it('over many connections lets the messages of another tenant pass, and loses none', async () => {
    test = await startBroker({ maxInFlightPerClient: 10_000 })
    const each = 1000
    const ids = Array.from({ length: 20 }, (_, n) => `acme.t${n}`)
    const floods = await Promise.all(ids.map((id) => test.signedIn(test.device(id))))
    const other = await test.signedIn(test.device('beta.t1'))
    const chunks = ids.map((id) => floodBytes(id, each))
    for (const [at, flood] of floods.entries()) flood.bytes(chunks[at] ?? Buffer.alloc(0))
    await waitFor(() => takenOf('acme') > 0, { everyMs: 1 })
    const before = takenOf('acme')
    for (let n = 1; n <= 5; n += 1) {
      other.send(publishPacket(topicOf('beta.t1'), 'x', { messageId: n }))
      await other.next('puback')
    }
    // Its five round trips are over long before the flood is worked off.
    expect(takenOf('beta')).toBe(5)
    expect(before).toBeLessThan(each * ids.length)
    const order = test.intake.accepted.map(({ device }) => device)
    expect(order.lastIndexOf('beta.t1')).toBeLessThan((each * ids.length * 3) / 4)
    await waitFor(() => takenOf('acme') === each * ids.length)
    await waitFor(() => floods.every(({ received }) => received.length === each / 2))
    expect(test.intake.accepted).toHaveLength(each * ids.length + 5)
  })

  it('takes at most its share of messages in each turn of the event loop', async () => {
    test = await startBroker({ maxInFlightPerClient: 10_000 })
    const ids = Array.from({ length: 20 }, (_, n) => `acme.t${n}`)
    const floods = await Promise.all(ids.map((id) => test.signedIn(test.device(id))))
    for (const [at, flood] of floods.entries()) flood.bytes(floodBytes(ids[at] ?? '', 500))
    let mostInTurn = 0
    for (let before = 0; before < 10_000;) {
      await new Promise((resolve) => setImmediate(resolve))
      const now = test.intake.accepted.length
      mostInTurn = Math.max(mostInTurn, now - before)
      before = now
    }
    // What comes from sockets, and what is resumed, may fall between two looks of this test.
    expect(mostInTurn).toBeLessThanOrEqual(2 * MESSAGES_PER_TURN.ofTenant)
  })

  it('of messages to many subscribers is delivered in slices, in order, and another tenant gets its own', async () => {
    test = await startBroker({ maxInFlightPerClient: 10_000, drainTimeoutMs: 60_000 })
    const app = test.application('acme')
    const subscribed = async (account: typeof app, clientId: string, tenant: string) => {
      const client = await test.signedIn(account, { clientId })
      const subscriptions = [{ topic: `padborg/v1/${tenant}/+/telemetry`, qos: 0 as const }]
      client.send({ cmd: 'subscribe', messageId: 1, subscriptions })
      await client.next('suback')
      return client
    }
    const listeners: RawClient[] = []
    for (let n = 0; n < 50; n += 1) listeners.push(await subscribed(app, `s${n}`, 'acme'))
    const ofBeta = await subscribed(test.application('beta'), 's', 'beta')
    const flood = await test.signedIn(test.device('acme.t1'))
    const other = await test.signedIn(test.device('beta.t1'))
    const messages = 400
    expect(messages * listeners.length).toBeGreaterThan(5 * DELIVERIES_PER_TURN.ofTenant)
    expect(messages).toBeLessThan(MAX_FORWARDING.ofTenant)
    flood.bytes(floodBytes('acme.t1', messages))
    await waitFor(() => takenOf('acme') > 0, { everyMs: 1 })
    other.send(publishPacket(topicOf('beta.t1'), 'x', { messageId: 1 }))
    await ofBeta.next('publish')
    const heard = listeners.reduce((sum, { received }) => sum + received.length, 0)
    expect(heard).toBeLessThan(messages * listeners.length)
    await waitFor(() => listeners.every(({ received }) => received.length === messages))
    expect(await test.metric('padborg_mqtt_shed_total{reason="forwarding"}')).toBe(0)
  })

  it('of sessions with unfinished messages of QoS 2 leaves those of others alone', async () => {
    test = await startBroker()
    const publish = async (client: RawClient, id: string) => {
      client.send(publishPacket(topicOf(id), 'x', { messageId: 7, qos: 2 }))
      await client.next('pubrec')
      client.socket.destroy()
      await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 0)
    }
    const robot = test.device('beta.t1')
    await publish(await test.signedIn(robot, { clean: false }), 'beta.t1')
    const account = test.device('acme.t1')
    for (let n = 0; n <= MAX_UNFINISHED_SESSIONS; n += 1) {
      await publish(await test.signedIn(account, { clean: false, clientId: `c${n}` }), 'acme.t1')
    }
    const taken = test.intake.accepted.length
    const again = async (account_: typeof robot, id: string, clientId: string) => {
      const client = await test.signedIn(account_, { clean: false, clientId })
      client.send(publishPacket(topicOf(id), 'x', { messageId: 7, qos: 2, dup: true }))
      await client.next('pubrec')
      return test.intake.accepted.length - taken
    }
    // The newest of its own and that of the other tenant are known; its oldest one has gone.
    expect(await again(robot, 'beta.t1', 'raw')).toBe(0)
    expect(await again(account, 'acme.t1', `c${MAX_UNFINISHED_SESSIONS}`)).toBe(0)
    expect(await again(account, 'acme.t1', 'c0')).toBe(1)
  })
})
