import type { MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { HAS_MOSQUITTO, Mosquitto } from './mosquitto.ts'
import { TestSource } from './test-source.ts'

const TOPIC = 'padborg/v1/acme/t1/telemetry'

describe.skipIf(!HAS_MOSQUITTO)('the source of a foreign broker (Mosquitto)', () => {
  let mosquitto: Mosquitto
  let test: TestSource
  let client: MqttClient

  beforeEach(async () => {
    mosquitto = await Mosquitto.start()
    test = new TestSource({ url: mosquitto.url, share: 'intakes' })
    test.device('acme.t1')
    client = await mosquitto.client()
  })

  afterEach(async () => {
    await test.close()
    await mosquitto.remove()
  })

  it('brings messages with their bytes, QoS and flags to the intake, by a shared subscription', async () => {
    await test.subscribed()
    await client.publishAsync(TOPIC, 'one', { qos: 1 })
    await client.publishAsync(TOPIC, 'two', { qos: 0 })
    await client.publishAsync(TOPIC, 'three', { qos: 2, retain: true })
    await waitFor(() => test.intake.accepted.length === 3)
    expect(
      test.intake.accepted.map(({ payload, ...rest }) => [String(payload), rest]),
    ).toMatchObject([
      ['one', { device: 'acme.t1', topic: TOPIC, qos: 1, retain: false, dup: false, will: false }],
      ['two', { qos: 0 }],
      ['three', { qos: 1, retain: true }],
    ])
    expect(test.source.status()).toMatchObject({ version: 5, shared: true, problem: '' })
    expect(mosquitto.log()).toContain('$share/intakes/padborg/v1/#')
  })

  it('acknowledges to the broker only what the intake has made durable', async () => {
    test.intake.mode = 'later'
    await test.subscribed()
    for (const text of ['a', 'b', 'c']) await client.publishAsync(TOPIC, text, { qos: 1 })
    await waitFor(() => test.intake.pending.length === 3)
    expect(mosquitto.log()).not.toContain('Received PUBACK from padborg')
    test.intake.commit()
    await waitFor(() => mosquitto.log().split('Received PUBACK from padborg').length === 4)
  })

  it('gets what was not acknowledged again, with DUP, after a new connection', async () => {
    test.intake.mode = 'later'
    await test.subscribed()
    await client.publishAsync(TOPIC, 'kept', { qos: 1 })
    await waitFor(() => test.intake.pending.length === 1)
    test.intake.commit(new Error('closing'))
    await waitFor(() => test.intake.accepted.length === 2)
    expect(test.intake.accepted[1]).toMatchObject({ dup: true, qos: 1 })
    expect(String(test.intake.accepted[1]?.payload)).toBe('kept')
  })

  it('keeps its session: what is published while it is away is delivered afterwards', async () => {
    await test.subscribed()
    await test.again()
    await client.publishAsync(TOPIC, 'while away', { qos: 1 })
    await test.subscribed()
    await waitFor(() => test.intake.accepted.length === 1)
    expect(test.logged('has lost our session')).toBe(false)
  })
})
