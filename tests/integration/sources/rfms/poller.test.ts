import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Registry } from '#lib/registry/registry.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { RfmsPoller } from '../../../../ingest/sources/rfms/poller.ts'
import type { RfmsServer } from '../../../../ingest/sources/rfms/servers-file.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { registerDevice, registryIn } from '../../../support/registry-in.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { createTestLog, type LogLine } from '../../../support/log-lines.ts'
import { TestIntake } from '../../../support/test-intake.ts'
import { RfmsTestServer } from './rfms-server.ts'

const [VIN_1, VIN_2, STRANGER] = ['YV2RT40A0JB000001', 'YV2RT40A0JB000002', 'YV2RT40A0JB000009']
const OVERLAP_MS = 2000
const SERVER = {
  name: 'volvo',
  tenant: 'acme',
  version: '4.0',
  everySeconds: 0.05,
  firstHours: 1,
  unregistered: 'reject',
} as const

describe('the poller of an rFMS server', () => {
  let dir: ReturnType<typeof temporaryDir>
  let server: RfmsTestServer
  let registry: Registry
  let intake: TestIntake
  let log: LogLine[]
  let poller: RfmsPoller | null = null

  beforeEach(async () => {
    dir = temporaryDir('rfms')
    server = await RfmsTestServer.start()
    log = []
    intake = new TestIntake()
    registry = registryIn(dir.path, createTestLog(log))
    register('acme.t1', VIN_1)
    register('acme.t2', VIN_2.toLowerCase())
    // The same vehicle at another tenant, which does not own the account.
    register('bolt.t1', VIN_1)
  })

  afterEach(async () => {
    await poller?.close()
    await server.close()
    registry.close()
    dir.remove()
  })

  function register(id: string, vin: string): void {
    registerDevice(registry, id, { format: 'rfms', settings: { vin } })
  }

  /** A status received so long ago. */
  function serve(vin: string, agoMs: number, createdMs = Date.now() - agoMs - 1000): void {
    server.statuses.push({ vin, receivedMs: Date.now() - agoMs, createdMs })
  }

  function pollerOf(
    { url, manner }: RfmsTestServer,
    more: Partial<RfmsServer> = {},
    overlapMs = OVERLAP_MS,
  ): RfmsPoller {
    const { user, password } = manner
    return new RfmsPoller(
      {
        server: { ...SERVER, url, user, password, ...more },
        dataDir: dir.path,
        overlapMs,
        firstPauseMs: 20,
        maxPauseMs: 100,
        maxInFlight: 4,
        maxResponseBytes: 100_000,
      },
      { intake, registry, clock: systemClock, log: createTestLog(log) },
    )
  }

  async function start(more: Partial<RfmsServer> = {}): Promise<void> {
    await poller?.close()
    poller = pollerOf(server, more)
    await poller.start()
  }

  /** Time passes: so many rounds of a poller of another server. */
  async function roundsOfAnother(count: number): Promise<void> {
    const otherServer = await RfmsTestServer.start()
    const other = pollerOf(otherServer, { name: 'other' })
    await other.start()
    await waitFor(() => other.status().rounds >= count, { what: `${count} rounds of another` })
    await other.close()
    await otherServer.close()
  }

  const status = () => {
    if (!poller) throw new Error('there is no poller')
    return poller.status()
  }
  const rounds = (count: number) => {
    const from = status().rounds
    return waitFor(() => status().rounds >= from + count, { what: `${count} rounds` })
  }
  const created = () =>
    intake.accepted.map(({ payload }) => {
      const { createdDateTime } = JSON.parse(Buffer.from(payload).toString())
      return Date.parse(createdDateTime)
    })
  const served = () => server.statuses.map(({ createdMs }) => createdMs)
  const sorted = (times: readonly number[]) => times.toSorted((a, b) => a - b)

  it('hands each status once to the device that has its VIN', async () => {
    serve(VIN_1, 60_000)
    serve(VIN_2, 30_000)
    await start()
    await rounds(3)
    expect(intake.accepted).toMatchObject([
      { device: 'acme.t1', topic: 'padborg/v1/acme/t1/rfms', qos: 1 },
      { device: 'acme.t2', topic: 'padborg/v1/acme/t2/rfms', qos: 1 },
    ])
    serve(VIN_1, 0)
    await rounds(3)
    expect(created()).toEqual(served())
    expect(server.accepts[0]).toBe('application/json; rfms=vehiclestatuses.v4.0')
    expect(server.queries.every((query) => query.get('datetype') === 'received')).toBe(true)
    expect(status().problem).toBe('')
  })

  it('keeps a status of an unregistered vehicle as a rejection, or leaves it out', async () => {
    serve(STRANGER, 60_000)
    await start()
    await rounds(2)
    expect(intake.accepted).toMatchObject([{ device: '', topic: 'rfms/volvo' }])
    await start({ name: 'skip', unregistered: 'skip' })
    await rounds(2)
    expect(intake.accepted).toHaveLength(1)
    expect(status()).toMatchObject({ unregistered: 1, taken: 0 })
  })

  it('moves its cursor only when everything before it is durable', async () => {
    intake.mode = 'later'
    serve(VIN_1, 60_000)
    await start()
    await waitFor(() => intake.accepted.length === 1)
    const file = join(dir.path, 'rfms-volvo.json')
    expect(existsSync(file)).toBe(false)
    await poller?.close()
    expect(existsSync(file)).toBe(false)
    // As after a crash: the same status comes again.
    await start()
    await waitFor(() => intake.accepted.length === 2)
    intake.commit()
    await rounds(1)
    expect(existsSync(file)).toBe(true)
    expect(new Set(created()).size).toBe(1)
  })

  it('takes each status once over pages that end within a second, and restarts', async () => {
    server.manner.pageSize = 3
    const second = Math.floor(Date.now() / 1000) * 1000 - 600_000
    for (let n = 0; n < 40; n += 1) {
      const vin = n % 2 === 0 ? VIN_1 : VIN_2
      server.statuses.push({ vin, receivedMs: second + n * 90, createdMs: second + n })
    }
    await start()
    await waitFor(() => intake.accepted.length > 10)
    await start()
    await rounds(2)
    await start()
    await rounds(2)
    expect(sorted(created())).toEqual(sorted(served()))
  })

  it('continues after more statuses of one moment than a page holds', async () => {
    server.manner.pageSize = 2
    const moment = Date.now() - 600_000
    for (let n = 0; n < 5; n += 1) {
      server.statuses.push({ vin: VIN_1, receivedMs: moment, createdMs: moment + n })
    }
    server.statuses.push({ vin: VIN_1, receivedMs: moment + 5000, createdMs: moment + 5 })
    await start()
    await waitFor(() => created().includes(moment + 5))
  })

  it('takes a status that a server shows later than its receive time', async () => {
    await start()
    await rounds(1)
    const nowMs = Date.now()
    const late = { receivedMs: nowMs, shownFromMs: nowMs + 300, createdMs: nowMs - 5000 }
    server.statuses.push({ vin: VIN_1, ...late })
    await waitFor(() => intake.accepted.length === 1)
    await rounds(2)
    expect(created()).toEqual(served())
  })

  it('follows links in any order, and skips nothing when one of them fails', async () => {
    Object.assign(server.manner, { links: true, pageSize: 2 })
    for (let n = 0; n < 9; n += 1) serve(n % 2 === 0 ? VIN_2 : VIN_1, 600_000 - n * 1000)
    intake.mode = 'later'
    await start()
    await waitFor(() => intake.accepted.length === 2)
    // Until the poller is closed: a round that succeeded would hand over the page as well.
    const { instead } = server.manner
    instead.push(...Array.from({ length: 1000 }, () => ({ status: 503 })))
    intake.commit()
    await waitFor(() => instead.length < 1000)
    await poller?.close()
    instead.length = 0
    intake.mode = 'now'
    intake.commit()
    await start()
    await rounds(2)
    expect(sorted([...new Set(created())])).toEqual(sorted(served()))
    // Only the first page was handed over twice: it was durable and its cursor not saved.
    expect(created()).toHaveLength(11)
  })

  it('makes no request during the pause that a server asks for', async () => {
    server.manner.instead.push({ status: 429, headers: { 'retry-after': '600' } })
    await start()
    await waitFor(() => status().problem.includes('429'))
    await roundsOfAnother(5)
    expect(server.queries).toHaveLength(1)
  })

  it('continues after the pause that a server asks for', async () => {
    serve(VIN_1, 60_000)
    server.manner.instead.push({ status: 429, headers: { 'retry-after': '1' } })
    await start()
    await waitFor(() => intake.accepted.length === 1)
    await waitFor(() => status().problem === '')
  })

  it('makes no request before the end of a limit that is used up', async () => {
    server.manner.headers = { 'x-rate-limit-remaining': '0', 'x-rate-limit-reset': '600' }
    await start()
    await rounds(1)
    await roundsOfAnother(5)
    expect(server.queries).toHaveLength(1)
  })

  it('signs in with OAuth 2 and requests a new token when its own is withdrawn', async () => {
    Object.assign(server.manner, { token: 'one' })
    serve(VIN_1, 60_000)
    await start({ tokenUrl: server.tokenUrl })
    await rounds(2)
    expect(server.tokens).toBe(1)
    server.manner.token = 'two'
    serve(VIN_1, 0)
    await waitFor(() => intake.accepted.length === 2)
    expect(server.tokens).toBe(2)
  })

  it('reports once what is wrong with the settings, without the password', async () => {
    await start({ password: 'wrong' })
    await waitFor(() => server.queries.length > 3)
    expect(status().problem).toContain('check "user" and "password"')
    const lines = log.filter(({ text }) => text.includes('rFMS'))
    expect(lines).toHaveLength(1)
    expect(JSON.stringify(log)).not.toMatch(/wrong|d3Jvbm/)
  })

  it('reports responses that are not of rFMS, and continues', async () => {
    serve(VIN_1, 60_000)
    server.manner.instead.push(
      { status: 200, body: '<html>login</html>' },
      { status: 200, body: '' },
      { status: 200, body: '[1,2' },
      { status: 200, body: 'null' },
      { status: 200, body: `{"vehicleStatus":["${'x'.repeat(200_000)}"]}` },
      { status: 200, body: '{"vehicleStatus":[null,1,{"vin":3}],"moreDataAvailable":"no"}' },
      { status: 200, body: '{"vehicleStatus":[],"moreDataAvailable":true}' },
      { status: 302, headers: { location: server.tokenUrl } },
      { status: 500 },
    )
    await start({ unregistered: 'skip' })
    await waitFor(() => intake.accepted.length === 1)
    expect(server.tokens).toBe(0)
    expect(created()).toEqual(served())
  })

  it('hands nothing over while the intake is paused', async () => {
    intake.pause()
    for (let n = 0; n < 20; n += 1) serve(VIN_1, 60_000 + n)
    await start()
    await waitFor(() => server.queries.length === 1)
    expect(intake.accepted).toEqual([])
    intake.mode = 'later'
    intake.resume()
    await waitFor(() => intake.accepted.length === 4)
    expect(status().inFlight).toBe(4)
    intake.mode = 'now'
    intake.commit()
    await rounds(1)
    expect(sorted(created())).toEqual(sorted(served()))
  })

  it('can be closed while its server does not answer', async () => {
    await server.close()
    await start()
    await waitFor(() => status().problem.includes('does not answer'))
    await poller?.close()
  })
})
