import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '#lib/runtime/clock.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { publishPacket, topicOf } from './raw-client.ts'

describe('the intake path of the broker', () => {
  let test: TestBroker
  afterEach(() => test.close())

  it('acknowledges QoS 1 only after the message is durable, in the order of arrival', async () => {
    test = await startBroker()
    test.intake.mode = 'later'
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(
      ...[1, 2, 3].map((messageId) =>
        publishPacket(topicOf('acme.t1'), `m${messageId}`, { messageId }),
      ),
      { cmd: 'pingreq' },
    )
    await client.next('pingresp')
    expect(test.intake.accepted.map(({ payload }) => Buffer.from(payload).toString())).toEqual([
      'm1',
      'm2',
      'm3',
    ])
    expect(client.received.filter(({ cmd }) => cmd === 'puback')).toEqual([])
    test.intake.commit()
    for (const messageId of [1, 2, 3]) {
      expect(await client.next('puback')).toMatchObject({ messageId })
    }
  })

  it('hands over device, topic, flags, payload and the time of the read', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    const before = systemClock.nowNs()
    client.send(
      publishPacket(topicOf('acme.t1', 'status'), '{}', { messageId: 7, retain: true, dup: true }),
    )
    await client.next('puback')
    const [message] = test.intake.accepted
    expect(message).toMatchObject({
      device: 'acme.t1',
      topic: topicOf('acme.t1', 'status'),
      qos: 1,
      retain: true,
      dup: true,
      will: false,
      origin: null,
    })
    expect(Buffer.from(message?.payload ?? []).toString()).toBe('{}')
    expect(message?.receivedAtNs).toBeGreaterThanOrEqual(before)
    expect(message?.receivedAtNs).toBeLessThanOrEqual(systemClock.nowNs())
  })

  it('gives all messages of one read the same time', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(...[1, 2].map((n) => publishPacket(topicOf('acme.t1'), `m${n}`, { messageId: n })))
    await client.next('puback')
    await client.next('puback')
    const [one, two] = test.intake.accepted
    expect(one?.receivedAtNs).toBe(two?.receivedAtNs)
    expect(one?.receivedMonoNs).toBe(two?.receivedMonoNs)
  })

  it('takes QoS 0 and does not acknowledge it', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(publishPacket(topicOf('acme.t1'), 'x'), { cmd: 'pingreq' })
    await client.next('pingresp')
    expect(test.intake.accepted).toHaveLength(1)
    expect(client.received).toEqual([])
  })

  it('takes a QoS 2 message once, however often it is sent before its PUBREL', async () => {
    test = await startBroker()
    test.intake.mode = 'later'
    const client = await test.signedIn(test.device('acme.t1'))
    const packet = publishPacket(topicOf('acme.t1'), 'x', { messageId: 9, qos: 2 })
    client.send(packet, { ...packet, dup: true } as typeof packet, { cmd: 'pingreq' })
    await client.next('pingresp')
    expect(client.received).toEqual([])
    test.intake.commit()
    await client.next('pubrec')
    client.send({ ...packet, dup: true } as typeof packet)
    await client.next('pubrec')
    client.send({ cmd: 'pubrel', messageId: 9 })
    await client.next('pubcomp')
    expect(test.intake.accepted).toHaveLength(1)
    client.send(packet, { cmd: 'pingreq' })
    await client.next('pingresp')
    expect(test.intake.accepted).toHaveLength(2)
  })

  it('continues a QoS 2 message on the next connection of a persistent session', async () => {
    test = await startBroker()
    test.intake.mode = 'later'
    const account = test.device('acme.t1')
    const first = await test.signedIn(account, { clean: false, clientId: 'p' })
    const packet = publishPacket(topicOf('acme.t1'), 'x', { messageId: 9, qos: 2 })
    first.send(packet)
    await waitFor(() => test.intake.accepted.length === 1)
    first.socket.destroy()
    const second = await test.signedIn(account, { clean: false, clientId: 'p' })
    second.send({ ...packet, dup: true } as typeof packet, { cmd: 'pingreq' })
    await second.next('pingresp')
    test.intake.commit()
    await second.next('pubrec')
    expect(test.intake.accepted).toHaveLength(1)
  })

  it('does not acknowledge and closes when the intake fails', async () => {
    test = await startBroker()
    test.intake.mode = 'later'
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1 }))
    await waitFor(() => test.intake.pending.length === 1)
    test.intake.commit(new Error('closing'))
    await client.whenClosed()
    expect(client.received).toEqual([])
  })

  it('acknowledges many messages of one commit in one write', async () => {
    test = await startBroker()
    test.intake.mode = 'later'
    const client = await test.signedIn(test.device('acme.t1'))
    const reads: number[] = []
    client.socket.on('data', (bytes) => reads.push(bytes.length))
    const ids = Array.from({ length: 100 }, (_, at) => at + 1)
    client.send(...ids.map((messageId) => publishPacket(topicOf('acme.t1'), 'x', { messageId })))
    await waitFor(() => test.intake.pending.length === 100)
    test.intake.commit()
    await waitFor(() => client.received.length === 100)
    expect(reads).toEqual([400])
  })

  it('takes packets that come byte by byte', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    const payload = 'x'.repeat(300)
    const { generate } = (await import('mqtt-packet')).default
    const bytes = generate(publishPacket(topicOf('acme.t1'), payload, { messageId: 1 }))
    for (const byte of bytes) {
      client.bytes(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await client.next('puback')
    expect(test.intake.accepted[0]?.payload.length).toBe(300)
  })

  it('acknowledges on shutdown what has become durable', async () => {
    test = await startBroker()
    test.intake.mode = 'later'
    const client = await test.signedIn(test.device('acme.t1'))
    client.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1 }))
    await waitFor(() => test.intake.pending.length === 1)
    const closed = test.broker.close()
    test.intake.commit()
    await client.next('puback')
    await closed
    await client.whenClosed()
  })
})
