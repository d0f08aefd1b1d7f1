import { afterEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { publishPacket, topicOf } from './raw-client.ts'

describe('a paused intake', () => {
  let test: TestBroker
  afterEach(() => test.close())

  const id = (payload: Uint8Array) => Buffer.from(payload).toString()

  it('gets nothing while it is paused, and then everything in order and once', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    test.intake.pause()
    const ids = Array.from({ length: 50 }, (_, at) => at + 1)
    for (const messageId of ids) {
      client.send(publishPacket(topicOf('acme.t1'), `${messageId}`, { messageId }))
    }
    const listener = await test.signedIn(test.device('acme.t2'))
    listener.send({ cmd: 'pingreq' })
    await listener.next('pingresp')
    expect(test.intake.accepted).toEqual([])
    expect(client.received).toEqual([])
    test.intake.resume()
    await waitFor(() => client.received.length === 50)
    expect(test.intake.accepted.map(({ payload }) => id(payload))).toEqual(ids.map(String))
  })

  it('does not disconnect a publisher whose PINGREQ is not read', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'), { keepalive: 1 })
    test.intake.pause()
    client.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1 }), { cmd: 'pingreq' })
    const silent = await test.signedIn(test.device('acme.t2'), { keepalive: 1 })
    // Twice the time after which a client is disconnected that is not paused.
    await silent.whenClosed()
    const again = await test.signedIn(test.device('acme.t3'), { keepalive: 1 })
    await again.whenClosed()
    expect(client.closed).toBe(false)
    test.intake.resume()
    await client.next('puback')
    await client.next('pingresp')
    // From now on its silence counts again.
    await client.whenClosed()
  })

  it('drops what was read but not handed over when its connection ends', async () => {
    test = await startBroker()
    const account = test.device('acme.t1')
    test.intake.pause()
    const first = await test.signedIn(account, { clientId: 'a' })
    first.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1 }))
    const second = await test.signedIn(account, { clientId: 'b' })
    second.send(publishPacket(topicOf('acme.t1'), 'y', { messageId: 1 }), { cmd: 'disconnect' })
    first.socket.destroy()
    second.socket.end()
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 0)
    const third = await test.signedIn(account, { clientId: 'a' })
    third.send(publishPacket(topicOf('acme.t1'), 'x', { messageId: 1, dup: true }))
    third.send({ cmd: 'pingreq' })
    test.intake.resume()
    await third.next('puback')
    await third.next('pingresp')
    expect(test.intake.accepted.map(({ payload, dup }) => [id(payload), dup])).toEqual([
      ['x', true],
    ])
  })

  it('stops reading, so that a flooding publisher fills its own socket and not the memory', async () => {
    test = await startBroker()
    const client = await test.signedIn(test.device('acme.t1'))
    test.intake.pause()
    const one = Buffer.alloc(50_000, 'x')
    let sent = 0
    // Until the socket buffers of both kernels and both processes are full, and stay full.
    let before = -1
    await waitFor(
      () => {
        for (let n = 0; n < 50; n += 1) {
          sent += 1
          client.send(publishPacket(topicOf('acme.t1'), one, { messageId: sent }))
        }
        const waits = client.socket.writableLength
        const taken = client.socket.bytesWritten - waits
        const stopped = taken === before
        before = taken
        return stopped
      },
      { everyMs: 200, timeoutMs: 20_000 },
    )
    expect(before).toBeLessThan(16 * 1024 * 1024)
    expect(test.intake.accepted).toEqual([])
    test.intake.resume()
    await waitFor(() => test.intake.accepted.length === sent, { timeoutMs: 20_000 })
    await waitFor(() => client.received.length === sent, { timeoutMs: 20_000 })
  })

  it('keeps wills until it takes messages again', async () => {
    test = await startBroker()
    const account = test.device('acme.t1')
    const client = await test.signedIn(account, {
      will: { topic: topicOf('acme.t1', 'status'), payload: Buffer.from('gone'), qos: 1 },
    })
    test.intake.pause()
    client.socket.destroy()
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 0)
    expect(test.intake.accepted).toEqual([])
    test.intake.resume()
    await waitFor(() => test.intake.accepted.length === 1)
  })
})
