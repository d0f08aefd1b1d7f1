import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import {
  publishPacket,
  startBroker,
  topicOf,
  type RawClient,
  type TestBroker,
} from './broker-support.ts'

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

  const ask = async (channel: string, payload: string | Buffer) => {
    client.send(publishPacket(topicOf('acme.t1', `${channel}/request`), payload))
    const answer = await client.next('publish')
    return { topic: answer['topic'], body: JSON.parse(String(answer['payload'])) }
  }

  it('answers with four timestamps in ns when t1 is a string', async () => {
    const t1 = String(BigInt(Date.now()) * 1_000_000n + 123n)
    const { topic, body } = await ask('clock', JSON.stringify({ id: 1, t1 }))
    expect(topic).toBe(topicOf('acme.t1', 'clock/response'))
    expect(Object.keys(body)).toEqual(['id', 't1', 't2', 't3'])
    expect(body.t1).toBe(t1)
    expect(BigInt(body.t3)).toBeGreaterThanOrEqual(BigInt(body.t2))
    expect(Math.abs(Number(BigInt(body.t2) - BigInt(t1)) / 1e6)).toBeLessThan(5000)
  })

  it('answers in ms when t1 is a number, and completes the sample with prev', async () => {
    const t1 = Date.now() + 0.25
    const { body } = await ask('clock', JSON.stringify({ id: 'a', t1 }))
    expect(body.t1).toBe(t1)
    expect(body.t3).toBeGreaterThanOrEqual(body.t2)
    expect(body.t2).toBeLessThan(t1 + 5000)
    const t4 = t1 + 12
    await ask('clock', JSON.stringify({ id: 'b', t1: t4 + 1, prev: { id: 'a', t4 } }))
    expect(test.intake.samples).toHaveLength(1)
    const [{ device, sample } = { device: '', sample: null }] = test.intake.samples
    expect(device).toBe('acme.t1')
    expect(sample?.t1).toBe(BigInt(Math.trunc(t1)) * 1_000_000n + 250_000n)
    expect((sample?.t4 ?? 0n) - (sample?.t1 ?? 0n)).toBe(12_000_000n)
    expect(sample?.t2).toBeLessThanOrEqual(sample?.t3 ?? 0n)
  })

  it('makes no sample of a prev that is unknown, repeated or impossible', async () => {
    await ask('clock', '{"id":1,"t1":1000}')
    await ask('clock', '{"id":2,"t1":2000,"prev":{"id":9,"t4":1500}}')
    await ask('clock', '{"id":3,"t1":3000,"prev":{"id":1,"t4":999}}')
    await ask('clock', '{"id":4,"t1":4000,"prev":{"id":1,"t4":1500}}')
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
  ])('tells on errors what is wrong with %j, and stays connected', async (payload) => {
    const { topic, body } = await ask('clock', payload)
    expect(topic).toBe(topicOf('acme.t1', 'errors'))
    expect(body).toMatchObject({ topic: topicOf('acme.t1', 'clock/request'), reason: 'schema' })
    expect(await test.metric('padborg_mqtt_refused_total{reason="clock_request"}')).toBe(1)
    expect(client.closed).toBe(false)
  })

  it('echoes a probe with the times of receipt and sending', async () => {
    const { topic, body } = await ask('probe', 'hej "Padborg" æøå')
    expect(topic).toBe(topicOf('acme.t1', 'probe/response'))
    expect(body.payload).toBe('hej "Padborg" æøå')
    expect(BigInt(body.sentAt)).toBeGreaterThanOrEqual(BigInt(body.receivedAt))
    const bytes = await ask('probe', Buffer.from([0, 255, 1]))
    expect(Buffer.from(bytes.body.payloadBase64, 'base64')).toEqual(Buffer.from([0, 255, 1]))
  })

  it('echoes 64 KiB and refuses more', async () => {
    const { body } = await ask('probe', 'x'.repeat(64 * 1024))
    expect(body.payload).toHaveLength(64 * 1024)
    const more = await ask('probe', 'x'.repeat(64 * 1024 + 1))
    expect(more.topic).toBe(topicOf('acme.t1', 'errors'))
  })

  it('acknowledges both at once, past the journal and while it is held', async () => {
    test.intake.hold(true)
    client.send(
      publishPacket(topicOf('acme.t1', 'clock/request'), '{"id":1,"t1":1}', { messageId: 3 }),
      publishPacket(topicOf('acme.t1', 'probe/request'), 'x', { messageId: 4 }),
    )
    expect(await client.next('puback')).toMatchObject({ messageId: 3 })
    expect(await client.next('puback')).toMatchObject({ messageId: 4 })
    expect(test.intake.accepted).toEqual([])
    test.intake.hold(false)
  })

  it('answers to where the device listens when that is another connection', async () => {
    const asking = await test.signedIn(test.registry.credentials.create('acme.t1'), {
      clientId: 'asks',
    })
    asking.send(publishPacket(topicOf('acme.t1', 'clock/request'), '{"id":1,"t1":1}'))
    await waitFor(() => client.received.length === 1)
    expect(client.received[0]).toMatchObject({ topic: topicOf('acme.t1', 'clock/response') })
  })
})
