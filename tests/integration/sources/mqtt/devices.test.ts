import type { MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../../support/wait-for.ts'
import { HAS_MOSQUITTO, Mosquitto } from './mosquitto.ts'
import { TestSource } from './test-source.ts'

const NOTICE = {
  device: 'acme.t1',
  topic: 'padborg/v1/acme/t1/telemetry',
  reason: 'schema',
  path: 'data.speedKmh',
  expected: 'number',
  got: 'string',
  rejectionId: '7.0',
  count: 1,
}

describe.skipIf(!HAS_MOSQUITTO)('devices behind a foreign broker', () => {
  let mosquitto: Mosquitto
  let test: TestSource
  let client: MqttClient

  beforeEach(async () => {
    mosquitto = await Mosquitto.start()
    test = new TestSource({ url: mosquitto.url, share: 'intakes' })
    test.device('acme.t1')
    test.device('acme.r1', { kind: 'robot', format: 'vda5050', topics: ['uagv/v2/KIT/0001/#'] })
    await test.subscribed()
    client = await mosquitto.client()
  })

  afterEach(async () => {
    await test.close()
    await mosquitto.remove()
  })

  const publish = (topic: string, payload = '{}') => client.publishAsync(topic, payload, { qos: 1 })
  const devices = () => test.intake.accepted.map(({ device, topic }) => [device, topic])

  it('are found by tenant and device of a native topic, and by their registered patterns', async () => {
    await publish('padborg/v1/acme/t1/telemetry')
    await publish('padborg/v1/acme/t1/senml')
    await publish('uagv/v2/KIT/0001/state')
    await waitFor(() => test.intake.accepted.length === 3)
    expect(devices()).toEqual([
      ['acme.t1', 'padborg/v1/acme/t1/telemetry'],
      ['acme.t1', 'padborg/v1/acme/t1/senml'],
      ['acme.r1', 'uagv/v2/KIT/0001/state'],
    ])
  })

  it('have their commands counted, and never journaled', async () => {
    await publish('uagv/v2/KIT/0001/order')
    await publish('padborg/v1/acme/t1/orders')
    await waitFor(() => test.intake.commands.length === 2)
    expect(test.intake.commands).toEqual(['acme.r1', 'acme.t1'])
    expect(await test.metric('padborg_commands_total')).toBe(2)
    expect(test.source.status().commands).toBe(2)
    expect(test.intake.accepted).toEqual([])
  })

  it('that are not registered are journaled for a rejection, counted and logged', async () => {
    await publish('padborg/v1/acme/ghost/telemetry')
    await publish('padborg/v1/nobody/x/telemetry')
    await publish('padborg/v1/broken')
    await waitFor(() => test.intake.accepted.length === 3)
    expect(devices()).toEqual([
      ['acme.ghost', 'padborg/v1/acme/ghost/telemetry'],
      ['nobody.x', 'padborg/v1/nobody/x/telemetry'],
      ['', 'padborg/v1/broken'],
    ])
    expect(await test.metric('padborg_mqtt_refused_total{reason="unknown_device"}')).toBe(3)
    const named = test.log.filter(({ fields }) => fields['reason'] === 'unknown_device')
    expect(named.map(({ fields }) => fields['topic'])).toEqual(devices().map(([, topic]) => topic))
    expect(test.source.status().unknown).toBe(3)
  })

  it('of which many are not registered do not flood the log', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, n) => publish(`padborg/v1/acme/g${n}/x`)))
    await waitFor(() => test.intake.accepted.length === 200)
    expect(test.log.filter(({ level }) => level === 'warn').length).toBeLessThanOrEqual(20)
    expect(await test.metric('padborg_mqtt_refused_total{reason="unknown_device"}')).toBe(200)
  })

  it('of two tenants with the same topic are ambiguous: refused and logged', async () => {
    test.device('other.r9', { kind: 'robot', format: 'vda5050', topics: ['uagv/v2/+/0001/state'] })
    await publish('uagv/v2/KIT/0001/state')
    await publish('uagv/v2/KIT/0001/connection')
    await waitFor(() => test.intake.accepted.length === 2)
    expect(devices()).toEqual([
      ['', 'uagv/v2/KIT/0001/state'],
      ['acme.r1', 'uagv/v2/KIT/0001/connection'],
    ])
    expect(test.logged('the devices acme.r1 and other.r9 have this topic')).toBe(true)
    expect(await test.metric('padborg_mqtt_refused_total{reason="ambiguous_topic"}')).toBe(1)
  })

  it('are subscribed to when registered while it runs, and no longer when deleted', async () => {
    test.device('acme.w1', {
      kind: 'heat_meter',
      format: 'wmbusmeters',
      topics: ['wmbusmeters/w1'],
    })
    await waitFor(() => test.source.status().filters === 3)
    await publish('wmbusmeters/w1')
    await waitFor(() => test.intake.accepted.length === 1)
    expect(devices()).toEqual([['acme.w1', 'wmbusmeters/w1']])
    test.registry.devices.delete('acme.w1')
    await waitFor(() => test.source.status().filters === 2)
    await publish('wmbusmeters/w1')
    await publish('padborg/v1/acme/t1/telemetry')
    await waitFor(() => test.intake.accepted.length === 2)
    expect(devices()[1]).toEqual(['acme.t1', 'padborg/v1/acme/t1/telemetry'])
  })

  it('get clock responses, their probe and notices through the same broker', async () => {
    const answers: [string, Record<string, unknown>][] = []
    client.on('message', (topic, payload) => {
      answers.push([topic.slice('padborg/v1/acme/t1/'.length), JSON.parse(payload.toString())])
    })
    const channels = ['clock/response', 'probe/response', 'errors']
    await client.subscribeAsync(channels.map((channel) => `padborg/v1/acme/t1/${channel}`))
    const t1 = Date.now()
    await publish('padborg/v1/acme/t1/clock/request', JSON.stringify({ id: 1, t1 }))
    await waitFor(() => answers.length === 1)
    const prev = { id: 1, t4: Date.now() }
    await publish('padborg/v1/acme/t1/clock/request', JSON.stringify({ id: 2, t1, prev }))
    await publish('padborg/v1/acme/t1/probe/request', 'echo me')
    await publish('padborg/v1/acme/t1/clock/request', 'what time is it')
    await waitFor(() => answers.length === 4)
    test.source.notify(NOTICE)
    await waitFor(() => answers.length === 5)
    const [first, second, probe, fault, notice] = answers
    expect(first).toMatchObject(['clock/response', { id: 1, t1 }])
    expect(second?.[0]).toBe('clock/response')
    expect(probe).toMatchObject(['probe/response', { payload: 'echo me' }])
    expect(fault).toMatchObject(['errors', { reason: 'schema' }])
    expect(notice).toMatchObject(['errors', { path: 'data.speedKmh', rejectionId: '7.0' }])
    expect(test.intake.samples).toHaveLength(1)
    expect(test.intake.samples[0]?.device).toBe('acme.t1')
    // Without a device it is sent to nobody, or it would be delivered to the source.
    test.source.notify({ ...NOTICE, device: '' })
    // The shared subscription delivers its own responses: neither readings nor commands.
    await publish('padborg/v1/acme/t1/telemetry')
    await waitFor(() => test.intake.accepted.length === 1)
    expect(test.intake.commands).toEqual([])
    expect(test.source.status().unknown).toBe(0)
  })
})
