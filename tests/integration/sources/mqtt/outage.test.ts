import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { startBroker, type TestBroker } from '../../broker/broker-support.ts'
import { HAS_MOSQUITTO, Mosquitto } from './mosquitto.ts'
import { TestSource } from './test-source.ts'

const TOPIC = 'padborg/v1/acme/t1/telemetry'

describe.skipIf(!HAS_MOSQUITTO)('a foreign broker with outages', () => {
  let mosquitto: Mosquitto
  let test: TestSource

  beforeEach(async () => {
    mosquitto = await Mosquitto.start()
    test = new TestSource({ url: mosquitto.url })
    test.device('acme.t1')
  })

  afterEach(async () => {
    await test.close()
    await mosquitto.remove()
  })

  it('is connected to when it starts, and again after its restart', async () => {
    await mosquitto.stop()
    await test.source.start()
    await waitFor(() => test.logged('the connection failed'))
    await waitFor(() => test.source.status().problem.includes('ECONNREFUSED'))
    await mosquitto.start()
    await waitFor(() => test.source.status().filters > 0)
    expect(test.source.status().problem).toBe('')
    await mosquitto.stop()
    await waitFor(() => !test.source.status().connected)
    await mosquitto.start()
    await waitFor(() => test.source.status().connects === 2 && test.source.status().filters > 0)
    const client = await mosquitto.client()
    await client.publishAsync(TOPIC, 'after it', { qos: 1 })
    await waitFor(() => test.intake.accepted.length === 1)
    // One line per reason, however many attempts it took.
    const refused = test.log.filter(({ text }) => text.includes('ECONNREFUSED'))
    expect(refused.length).toBeLessThanOrEqual(2)
    // Mosquitto has kept the session on its disk.
    expect(test.logged('has lost our session')).toBe(false)
  })

  it('can be disconnected from at any moment', async () => {
    await test.source.start()
    await test.source.close()
    await test.again()
    await mosquitto.stop()
    await test.source.start()
    await waitFor(() => test.source.status().problem.includes('ECONNREFUSED'))
    await test.source.close()
  })
})

describe('a foreign broker that speaks MQTT 3.1.1 only (ours)', () => {
  let broker: TestBroker
  let test: TestSource

  beforeEach(async () => {
    broker = await startBroker()
    broker.device('acme.t1')
    const { username, password } = broker.application('acme')
    const url = `mqtt://${username}:${encodeURIComponent(password)}@127.0.0.1:${broker.ports.mqtt}`
    test = new TestSource({ url, share: 'intakes', topics: ['padborg/v1/acme/#'] })
    test.device('acme.t1')
  })

  afterEach(async () => {
    await test.close()
    await broker.close()
  })

  it('brings retained messages when the subscription is new, and not again', async () => {
    const device = broker.registry.credentials.create('acme.t1')
    const client = await broker.mqtt(device)
    await client.publishAsync(TOPIC, 'kept', { qos: 1, retain: true })
    await test.subscribed()
    expect(test.source.status()).toMatchObject({ version: 4, shared: false })
    await waitFor(() => test.intake.accepted.length === 1)
    expect(test.intake.accepted[0]).toMatchObject({ retain: true, qos: 1, device: 'acme.t1' })
    await test.again()
    await client.publishAsync(TOPIC, 'while away', { qos: 1 })
    await test.subscribed()
    await client.publishAsync(TOPIC, 'back', { qos: 1 })
    await waitFor(() => test.intake.accepted.length === 2)
    const texts = test.intake.accepted.map(({ payload }) => String(payload))
    expect(texts).toEqual(['while away', 'back'])
  })
})
