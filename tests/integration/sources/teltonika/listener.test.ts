import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Registry } from '#lib/registry/registry.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { TeltonikaListener } from '../../../../ingest/sources/teltonika/listener.ts'
import type { TeltonikaOptions } from '../../../../ingest/sources/teltonika/options.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { registerDevice, registryIn } from '../../../support/registry-in.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { createTestLog, type LogLine } from '../../../support/log-lines.ts'
import { TestIntake } from '../../../support/test-intake.ts'
import { connectTracker, loginOf, packetOf, type TestTracker } from './tracker.ts'

const IMEI = '356307042441013'
const T0 = 1_764_000_000_000
const [NO, YES] = ['00', '01']
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

describe('the listener of Teltonika trackers', () => {
  let dir: ReturnType<typeof temporaryDir>
  let registry: Registry
  let intake: TestIntake
  let log: LogLine[]
  let refused: string[]
  let listener: TeltonikaListener
  let port = 0
  const trackers: TestTracker[] = []

  beforeEach(() => {
    dir = temporaryDir('teltonika')
    log = []
    refused = []
    intake = new TestIntake()
    registry = registryIn(dir.path, createTestLog(log))
    registerTracker('t1', IMEI)
  })

  afterEach(async () => {
    for (const tracker of trackers.splice(0)) tracker.end()
    if (intake.paused) intake.resume()
    intake.commit()
    await listener.close()
    registry.close()
    dir.remove()
  })

  function registerTracker(id: string, imei: string): void {
    registerDevice(registry, `acme.${id}`, { format: 'teltonika-codec8', settings: { imei } })
  }

  async function listen(options: Partial<TeltonikaOptions> = {}): Promise<void> {
    listener = new TeltonikaListener(
      { host: '127.0.0.1', port: 0, ...options },
      {
        intake,
        registry,
        clock: systemClock,
        log: createTestLog(log),
        refused: (reason) => refused.push(reason),
      },
    )
    port = await listener.listen()
  }

  async function stranger(): Promise<TestTracker> {
    const tracker = await connectTracker(port)
    trackers.push(tracker)
    return tracker
  }

  async function signedIn(imei = IMEI): Promise<TestTracker> {
    const tracker = await stranger()
    tracker.send(loginOf(imei))
    expect((await tracker.bytes(1)).toString('hex')).toBe(YES)
    return tracker
  }

  const acks = async (tracker: TestTracker, count: number) => {
    const bytes = (await tracker.bytes(1 + count * 4)).subarray(1)
    return Array.from({ length: bytes.length / 4 }, (_, n) => bytes.readUInt32BE(n * 4))
  }

  it('acknowledges a packet with its records only when it is durable', async () => {
    await listen()
    intake.mode = 'later'
    const tracker = await signedIn()
    const packet = packetOf(T0, T0 + 1000)
    tracker.send(packet)
    await waitFor(() => intake.accepted.length === 1)
    expect(intake.accepted[0]).toMatchObject({
      device: 'acme.t1',
      topic: 'padborg/v1/acme/t1/teltonika-codec8',
      payload: packet,
      qos: 1,
    })
    tracker.send(packetOf(T0 + 2000))
    // A second tracker was served: the first one has had its turn.
    registerTracker('t2', '356307042441014')
    await signedIn('356307042441014')
    expect(tracker.answered().toString('hex')).toBe(YES)
    expect(intake.accepted).toHaveLength(1)
    intake.commit()
    expect(await acks(tracker, 1)).toEqual([2])
    await waitFor(() => intake.accepted.length === 2)
    intake.commit()
    expect(await acks(tracker, 2)).toEqual([2, 1])
    expect(listener.status()).toMatchObject({ acknowledged: 2, inFlight: 0 })
  })

  it('takes packets in pieces of one byte, with pings between them', async () => {
    await listen()
    const tracker = await stranger()
    const ping = Buffer.of(0xff)
    const bytes = [loginOf(IMEI), ping, packetOf(T0), ping, ping, packetOf(T0 + 1, T0 + 2)]
    for (const byte of Buffer.concat(bytes)) tracker.send(Buffer.of(byte))
    expect(await acks(tracker, 2)).toEqual([1, 2])
    expect(refused).toEqual([])
  })

  it('requests a packet with a broken checksum again', async () => {
    await listen()
    const tracker = await signedIn()
    const broken = packetOf(T0)
    broken.writeUInt8(0x77, 15)
    tracker.send(Buffer.concat([broken, packetOf(T0)]))
    expect(await acks(tracker, 2)).toEqual([0, 1])
    expect(intake.accepted).toHaveLength(1)
    expect(listener.status().refused.checksum).toBe(1)
  })

  it('ends a connection on which every packet is broken', async () => {
    await listen()
    const tracker = await signedIn()
    const broken = packetOf(T0)
    broken.writeUInt8(0x77, 15)
    for (let n = 0; n < 8; n += 1) tracker.send(broken)
    await tracker.closed()
    expect(await acks(tracker, 8)).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
  })

  it('refuses an IMEI that no device has, and logs it', async () => {
    await listen()
    const tracker = await stranger()
    tracker.send(loginOf('111111111111111'))
    expect((await tracker.bytes(1)).toString('hex')).toBe(NO)
    await tracker.closed()
    expect(refused).toEqual(['unknown_imei'])
    expect(log.some(({ fields }) => fields['imei'] === '111111111111111')).toBe(true)
    expect(intake.accepted).toEqual([])
    registerTracker('t9', '111111111111111')
    await signedIn('111111111111111')
  })

  it('keeps one rejection of an unknown tracker where the settings ask for it', async () => {
    await listen({ keepUnknown: true })
    for (let n = 0; n < 3; n += 1) {
      const tracker = await stranger()
      tracker.send(loginOf('111111111111111'))
      await tracker.closed()
    }
    expect(intake.accepted).toMatchObject([
      { device: '', topic: 'teltonika-codec8/111111111111111' },
    ])
  })

  it('ends the connection of a device that is deleted', async () => {
    await listen()
    const tracker = await signedIn()
    registry.devices.delete('acme.t1')
    await tracker.closed()
    expect(listener.status().connections).toBe(0)
  })

  it('replaces the dead connection of a tracker that connects again', async () => {
    await listen()
    const [dead, alive] = [await signedIn(), await signedIn()]
    await dead.closed()
    alive.send(packetOf(T0))
    expect(await acks(alive, 1)).toEqual([1])
  })

  it('reads nothing while the intake is paused, and continues afterwards', async () => {
    await listen({ idleTimeoutMs: 100, loginTimeoutMs: 300 })
    const tracker = await signedIn()
    intake.pause()
    for (let n = 0; n < 20; n += 1) tracker.send(packetOf(T0 + n))
    // A client that never signs in is refused: longer than an idle tracker may be silent.
    await (await stranger()).closed()
    expect(tracker.isClosed).toBe(false)
    expect(intake.accepted).toEqual([])
    intake.resume()
    expect(await acks(tracker, 20)).toEqual(Array.from({ length: 20 }, () => 1))
  })

  it('closes connections over their limit, without a login, and without packets', async () => {
    await listen({ maxConnections: 2, loginTimeoutMs: 200, idleTimeoutMs: 300 })
    const [slow, idle, third] = [await stranger(), await signedIn(), await stranger()]
    await third.closed()
    // Single bytes are no packet.
    const drip = setInterval(() => idle.send(Buffer.of(0)), 50)
    await Promise.all([slow.closed(), idle.closed()])
    clearInterval(drip)
    expect(refused.toSorted()).toEqual(['connections', 'idle', 'login_timeout'])
    expect(listener.status().connections).toBe(0)
  })

  it('ends a connection with a packet over the limit or without a frame', async () => {
    await listen({ maxPacketBytes: 64 })
    const large = await signedIn()
    large.send(packetOf(T0, T0 + 1))
    await large.closed()
    const lost = await signedIn()
    lost.send(Buffer.from('hello'))
    await lost.closed()
    expect(refused).toEqual(['packet_size', 'framing'])
  })

  it(`survives any bytes, and serves the others meanwhile (SEED=${SEED})`, async () => {
    await listen({ loginTimeoutMs: 150, idleTimeoutMs: 150 })
    const garbage = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 600 }), {
      seed: SEED,
      numRuns: 150,
    })
    registerTracker('t2', '356307042441014')
    for (const [n, bytes] of garbage.entries()) {
      const tracker = n % 2 === 0 ? await stranger() : await signedIn('356307042441014')
      tracker.send(bytes)
    }
    const tracker = await signedIn()
    tracker.send(packetOf(T0))
    expect(await acks(tracker, 1)).toEqual([1])
    await waitFor(() => listener.status().connections <= 1)
  })

  it('acknowledges what becomes durable while it is closed', async () => {
    await listen()
    intake.mode = 'later'
    const tracker = await signedIn()
    tracker.send(packetOf(T0))
    await waitFor(() => intake.accepted.length === 1)
    const closing = listener.close()
    intake.commit()
    expect(await acks(tracker, 1)).toEqual([1])
    await closing
    await tracker.closed()
  })

  it('can be closed while packets cannot become durable', async () => {
    await listen()
    intake.mode = 'later'
    const tracker = await signedIn()
    tracker.send(packetOf(T0))
    await waitFor(() => intake.accepted.length === 1)
    intake.pause()
    await listener.close()
    expect(tracker.answered().toString('hex')).toBe(YES)
  })

  it('names the setting when its port is taken', async () => {
    await listen()
    const second = new TeltonikaListener(
      { host: '127.0.0.1', port },
      { intake, registry, clock: systemClock, log: createTestLog(log), refused: () => undefined },
    )
    await expect(second.listen()).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining('PADBORG_TELTONIKA_PORT'),
    })
  })
})
