import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '#lib/runtime/clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { publishPacket, topicOf, type RawClient } from './raw-client.ts'

describe('clock and probe requests', () => {
  let test: TestBroker
  let client: RawClient
  beforeEach(async () => {
    test = await startBroker()
    test.intake.mode = 'later'
    client = await test.signedIn(test.device('acme.t1'))
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: ['clock/response', 'probe/response', 'errors'].map((channel) => ({
        topic: topicOf('acme.t1', channel),
        qos: 0 as const,
      })),
    })
    await client.next('suback')
  })
  afterEach(() => test.close())

  const request = async (channel: string, payload: string | Buffer) => {
    client.send(publishPacket(topicOf('acme.t1', `${channel}/request`), payload))
    const response = await client.next('publish')
    return { topic: response['topic'], body: JSON.parse(String(response['payload'])) }
  }

  it('are answered with times in ns when t1 is a string', async () => {
    const t1 = String(systemClock.nowNs())
    const { topic, body } = await request('clock', JSON.stringify({ id: 1, t1 }))
    expect(topic).toBe(topicOf('acme.t1', 'clock/response'))
    expect(Object.keys(body)).toEqual(['id', 't1', 't2', 't3'])
    expect(body.t1).toBe(t1)
    expect(BigInt(body.t3)).toBeGreaterThanOrEqual(BigInt(body.t2))
    expect(BigInt(body.t2)).toBeGreaterThanOrEqual(BigInt(t1))
    expect(BigInt(body.t3)).toBeLessThanOrEqual(systemClock.nowNs())
  })

  it('are answered with times in ms when t1 is a number, and prev completes the sample', async () => {
    const t1 = Date.now() + 0.25
    const { body } = await request('clock', JSON.stringify({ id: 'a', t1 }))
    expect(body.t1).toBe(t1)
    expect(body.t3).toBeGreaterThanOrEqual(body.t2)
    expect(body.t3).toBeLessThanOrEqual(Date.now() + 1)
    const t4 = t1 + 12
    await request('clock', JSON.stringify({ id: 'b', t1: t4 + 1, prev: { id: 'a', t4 } }))
    expect(test.intake.samples).toHaveLength(1)
    const [{ device, sample } = { device: '', sample: null }] = test.intake.samples
    expect(device).toBe('acme.t1')
    expect(sample?.t1).toBe(BigInt(Math.trunc(t1)) * 1_000_000n + 250_000n)
    expect((sample?.t4 ?? 0n) - (sample?.t1 ?? 0n)).toBe(12_000_000n)
    expect(sample?.t2).toBeLessThanOrEqual(sample?.t3 ?? 0n)
  })

  it('make no sample of a prev that is unknown, repeated or impossible', async () => {
    await request('clock', '{"id":1,"t1":1000}')
    await request('clock', '{"id":2,"t1":2000,"prev":{"id":9,"t4":1500}}')
    await request('clock', '{"id":3,"t1":3000,"prev":{"id":1,"t4":999}}')
    await request('clock', '{"id":4,"t1":4000,"prev":{"id":1,"t4":1500}}')
    expect(test.intake.samples).toEqual([])
  })

  it.each([
    '',
    '{',
    '[]',
    '{"id":1}',
    '{"id":1,"t1":"soon"}',
    '{"id":{},"t1":1}',
    '{"id":1,"t1":-1}',
  ])('are reported on errors when faulty (%j), and the device stays connected', async (payload) => {
    const { topic, body } = await request('clock', payload)
    expect(topic).toBe(topicOf('acme.t1', 'errors'))
    expect(body).toMatchObject({ topic: topicOf('acme.t1', 'clock/request'), reason: 'schema' })
    expect(await test.metric('padborg_mqtt_refused_total{reason="clock_request"}')).toBe(1)
    expect(client.closed).toBe(false)
  })

  it('echo a probe with the times of receipt and sending', async () => {
    const { topic, body } = await request('probe', 'hej "Padborg" æøå')
    expect(topic).toBe(topicOf('acme.t1', 'probe/response'))
    expect(body.payload).toBe('hej "Padborg" æøå')
    expect(BigInt(body.sentAt)).toBeGreaterThanOrEqual(BigInt(body.receivedAt))
    const bytes = await request('probe', Buffer.from([0, 255, 1]))
    expect(Buffer.from(bytes.body.payloadBase64, 'base64')).toEqual(Buffer.from([0, 255, 1]))
  })

  it('echo 64 KiB and refuse more', async () => {
    const { body } = await request('probe', 'x'.repeat(64 * 1024))
    expect(body.payload).toHaveLength(64 * 1024)
    const more = await request('probe', 'x'.repeat(64 * 1024 + 1))
    expect(more.topic).toBe(topicOf('acme.t1', 'errors'))
  })

  it('are acknowledged at once, without the journal and while it is paused', async () => {
    test.intake.pause()
    client.send(
      publishPacket(topicOf('acme.t1', 'clock/request'), '{"id":1,"t1":1}', { messageId: 3 }),
      publishPacket(topicOf('acme.t1', 'probe/request'), 'x', { messageId: 4 }),
    )
    expect(await client.next('puback')).toMatchObject({ messageId: 3 })
    expect(await client.next('puback')).toMatchObject({ messageId: 4 })
    expect(test.intake.accepted).toEqual([])
    test.intake.resume()
  })

  it('are answered on the connection where the device subscribes', async () => {
    const other = await test.signedIn(test.registry.credentials.create('acme.t1'), {
      clientId: 'other',
    })
    other.send(publishPacket(topicOf('acme.t1', 'clock/request'), '{"id":1,"t1":1}'))
    await waitFor(() => client.received.length === 1)
    expect(client.received[0]).toMatchObject({ topic: topicOf('acme.t1', 'clock/response') })
  })
})
