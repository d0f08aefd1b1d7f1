import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createSharedReadBuffer } from '../../../broker/connections/shared-read-buffer.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { publishPacket, topicOf } from './raw-client.ts'

const text = (packet: object) => String(Reflect.get(packet, 'payload'))

describe('the buffer that all sockets read into', () => {
  it('is used by this version of Node, also after a pause', async () => {
    const shared = createSharedReadBuffer()
    const read: string[] = []
    const sockets: Socket[] = []
    let made = 0
    let ended = 0
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', () => {
        made += 1
      })
      socket.on('end', () => {
        ended += 1
      })
      expect(shared.take(socket, (bytes) => read.push(bytes.toString()))).toBe(true)
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const [one, two] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    one.write('one')
    await waitFor(() => read.length === 1)
    two.write('two')
    await waitFor(() => read.length === 2)
    for (const socket of sockets) socket.pause()
    one.end('more')
    await waitFor(() => one.writableFinished)
    for (const socket of sockets) socket.resume()
    await waitFor(() => ended === 1)
    two.destroy()
    server.close()
    expect(read).toEqual(['one', 'two', 'more'])
    expect(made).toBe(0)
  })
})

describe('bytes of a shared buffer that outlive their read', () => {
  let test: TestBroker
  afterEach(() => test.close())

  it('reach a subscriber as they were, whatever others send before the sync', async () => {
    test = await startBroker()
    test.intake.mode = 'later'
    const listener = await test.signedIn(test.application('acme'))
    const subscriptions = [{ topic: 'padborg/v1/acme/#', qos: 0 as const }]
    listener.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    await listener.next('suback')
    const clients = [
      await test.signedIn(test.device('acme.t1')),
      await test.signedIn(test.device('acme.t2')),
    ]
    for (const [at, letter] of ['a', 'b'].entries()) {
      const packet = publishPacket(topicOf(`acme.t${at + 1}`), letter.repeat(200), { messageId: 1 })
      clients[at]?.send(packet)
      await waitFor(() => test.intake.pending.length === at + 1)
    }
    test.intake.commit()
    await waitFor(() => listener.received.length === 2)
    expect(listener.received.map(text)).toEqual(['a'.repeat(200), 'b'.repeat(200)])
  })

  it('wait unchanged while their connection is paused', async () => {
    test = await startBroker({ maxInFlightPerClient: 1 })
    test.intake.mode = 'later'
    const [slow, other] = [
      await test.signedIn(test.device('acme.t1')),
      await test.signedIn(test.device('acme.t2')),
    ]
    const payloads = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(300))
    slow.send(
      ...payloads.map((payload, at) =>
        publishPacket(topicOf('acme.t1'), payload, { messageId: at + 1 }),
      ),
    )
    await waitFor(() => test.intake.pending.length === 1)
    other.send(publishPacket(topicOf('acme.t2'), 'z'.repeat(2000), { messageId: 1 }))
    await waitFor(() => test.intake.pending.length === 2)
    await waitFor(() => {
      test.intake.commit()
      return slow.received.length === 4
    })
    const taken = test.intake.accepted.filter(({ device }) => device === 'acme.t1')
    expect(taken.map(({ payload }) => Buffer.from(payload).toString())).toEqual(payloads)
  })

  it('keep a will that Aedes holds', async () => {
    test = await startBroker()
    const account = test.device('acme.t1')
    const will = {
      topic: topicOf('acme.t1'),
      payload: Buffer.from('gone'.repeat(50)),
      qos: 1 as const,
      retain: false,
    }
    const client = await test.signedIn(account, { will })
    const other = await test.signedIn(test.device('acme.t2'))
    other.send(publishPacket(topicOf('acme.t2'), 'z'.repeat(2000), { messageId: 1 }))
    await other.next('puback')
    client.socket.destroy()
    await waitFor(() => test.intake.accepted.length === 2)
    expect(Buffer.from(test.intake.accepted[1]?.payload ?? []).toString()).toBe('gone'.repeat(50))
  })
})
