import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLog } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { createApp } from '../../../api/app.ts'
import { ownIntake } from '../../../api/intake-client/intakes.ts'
import { appOptionsFor } from '../../support/app-options.ts'
import {
  expectCounters,
  expectHeat,
  expectLatency,
  expectMonths,
  expectTraffic,
  type ApiRow,
  type Comparison,
} from '../../support/grafana/compare-with-api.ts'
import { connectDataSource } from '../../support/grafana/data-source.ts'
import type { Span } from '../../support/grafana/interpolate.ts'
import { hasInfluxd } from '../../support/influxd.ts'
import { waitFor } from '../../support/wait-for.ts'
import {
  DATABASE,
  HOUR_MS,
  MINUTE_MS,
  openTestbed,
  type Role,
  type Testbed,
} from '../derived/derived-support.ts'

const CELL = { rat: 'nr-sa', cellId: '5C4', band: 'n78', operator: '238-01' }
const ALL_PERCENTILES = ['p50', 'p95', 'p99'] as const
const P95 = ['p95'] as const

describe.skipIf(!hasInfluxd)('boards and the API (needs influxd on the PATH)', () => {
  let bed: Testbed
  let role: Role
  let app: FastifyInstance

  beforeAll(async () => {
    bed = await openTestbed('grafana')
    await open()
    for (const tenant of ['acme', 'beta']) {
      role.registry.tenants.create({ id: tenant, name: tenant })
      for (const id of ['t1', 't2']) role.registry.devices.create({ tenant, id, kind: 'truck' })
    }
    addMeters()
    await publishFleet()
    await publishMeters()
    await drained()
    // Counters are written once a minute, and at the start.
    await reopen()
  }, 120_000)
  afterAll(async () => {
    await app?.close()
    await bed?.close()
  })

  async function open(): Promise<void> {
    role = await bed.start()
    const { ingest, registry } = role
    const deps = {
      port: ingest.port,
      intakes: [ownIntake(ingest.port, ingest.live)],
      registry,
      metrics: createMetrics(),
      clock: bed.clock,
      log: createLog('silent'),
    }
    app = await createApp(deps, appOptionsFor())
  }

  async function reopen(): Promise<void> {
    await app.close()
    await role.close()
    await open()
    await drained()
  }

  /** Waits longer than the testbed does: three days of hours are written at once. */
  async function drained(): Promise<void> {
    await waitFor(() => role.derived.status().waiting === 0, {
      timeoutMs: 90_000,
      what: 'derived series',
    })
  }

  function compare(tenant: string | null, span: Span): Comparison {
    const { key } = role.registry.keys.create({
      role: tenant === null ? 'admin' : 'tenant-viewer',
      tenant,
      name: 'test',
    })
    return {
      source: connectDataSource({ ...bed.influxd, database: DATABASE }),
      tenant,
      span,
      async api(path): Promise<readonly ApiRow[]> {
        const headers = { authorization: `Bearer ${key}` }
        const response = await app.inject({ url: `/api/v1${path}`, headers })
        expect(response.statusCode, `${path}: ${response.body}`).toBe(200)
        const body = JSON.parse(response.body)
        expect(body.next, 'all rows on one page').toBe(null)
        return body.data
      },
    }
  }

  /** Its age is at least `agoMs`: above 60 s a reading is late and not part of latency. */
  const truck = (agoMs: number, radio: object | null = null) => ({
    kind: 'truck',
    ts: Date.now() - agoMs,
    data: { speedKmh: 50 },
    ...(radio ? { radio } : {}),
  })

  async function publishFleet(): Promise<void> {
    for (let n = 0; n < 20; n += 1) {
      await role.publish('acme.t1', truck(300 - n, CELL))
      await role.publish('acme.t2', truck(10 * MINUTE_MS + n * 1000))
      await role.publish('beta.t1', truck(2 * n, n % 2 === 0 ? CELL : { rat: 'lte' }))
      await role.publish('beta.t2', truck(40_000 - 1000 * n), { kind: 'truck', data: 'no object' })
    }
  }

  function addMeters(): void {
    const add = (tenant: string, id: string, settings: Readonly<Record<string, unknown>>) =>
      role.registry.devices.create({ tenant, id, kind: 'heat_meter', settings })
    add('acme', 'm1', { role: 'delivered', town: 'Padborg' })
    add('acme', 'm2', { role: 'delivered', town: 'Bov' })
    add('acme', 'm3', { role: 'handoff', dataCentre: 'dc1', maxPowerKw: 500 })
    add('acme', 'm4', { role: 'handoff', dataCentre: 'dc2' })
    add('beta', 'm1', { role: 'delivered', town: 'Padborg' })
  }

  /** Whole days, the last of them yesterday. */
  const today = Temporal.Now.zonedDateTimeISO('Europe/Copenhagen').startOfDay()
  const days = {
    fromMs: today.subtract({ days: 3 }).epochMilliseconds,
    toMs: today.epochMilliseconds - 1,
  }

  async function publishMeters(): Promise<void> {
    const registers = (first: number, step: number, isMissing: (hour: number) => boolean) =>
      Array.from({ length: 74 }, (_, hour) => hour)
        .filter((hour) => !isMissing(hour))
        .map((hour) => ({
          kind: 'heat_meter',
          ts: days.fromMs + (hour - 1) * HOUR_MS + 5 * MINUTE_MS,
          data: { energyKwh: first + hour * step },
        }))
    await role.publish('acme.m1', ...registers(1000, 10, () => false))
    await role.publish('acme.m2', ...registers(500, 3, (hour) => hour > 20 && hour < 30))
    await role.publish('acme.m3', ...registers(0, 20, (hour) => hour > 40))
    await role.publish('beta.m1', ...registers(7, 8, (hour) => hour % 5 === 0))
  }

  it.each([null, 'acme', 'beta'])('agree on latency (%s)', async (tenant) => {
    const comparison = compare(tenant, lastHours())
    const radio = { board: 'padborg-latency-radio', stage: 'age' }
    const ofDevice = { board: 'padborg-device', stage: 'age', device: `${tenant ?? 'beta'}.t1` }
    for (const panel of [
      { ...radio, panel: 11, by: 'rat', columns: ALL_PERCENTILES },
      { ...radio, panel: 22, by: 'cell', columns: P95 },
      { ...radio, panel: 23, by: 'operator', columns: P95 },
      { board: 'padborg-overview', panel: 22, by: null, stage: 'age', columns: ALL_PERCENTILES },
      { ...ofDevice, panel: 21, by: 'device', columns: ALL_PERCENTILES },
    ]) {
      expect(await expectLatency(comparison, panel)).toBeGreaterThan(0)
    }
  })

  it.each([
    [41, 'durable'],
    [42, 'stored'],
  ])('agree on the time inside the platform (%i)', async (panel, stage) => {
    const wanted = { board: 'padborg-pipeline', panel, by: null, stage, columns: ALL_PERCENTILES }
    expect(await expectLatency(compare(null, lastHours()), wanted)).toBeGreaterThan(0)
  })

  it('agree on traffic', async () => {
    const board = 'padborg-delivery'
    for (const tenant of ['acme', 'beta']) {
      const comparison = compare(tenant, lastHours())
      const own = { board, by: 'tenant' } as const
      const both = [
        await expectTraffic(comparison, { ...own, panel: 11, field: 'messages' }),
        await expectTraffic(comparison, { ...own, panel: 12, field: 'bytes' }),
      ]
      expect(Math.min(...both)).toBeGreaterThan(0)
    }
    const devices = { board, panel: 13, by: 'device', field: 'messages' } as const
    expect(await expectTraffic(compare(null, lastHours()), devices)).toBeGreaterThan(3)
  })

  it.each([
    // One meter sent nothing.
    [null, 8],
    ['beta', 3],
  ])('agree on delivery counters (%s)', async (tenant, devices) => {
    expect(await expectCounters(compare(tenant, lastHours()))).toBe(devices)
  })

  it.each([null, 'acme'])('agree on heat by day, by month and in total (%s)', async (tenant) => {
    const comparison = compare(tenant, days)
    const board = 'padborg-heat'
    const centres = { board, every: 'P1D', refId: 'A', boundary: 'handoff', by: 'data_centre' }
    const towns = { board, every: 'P1D', refId: 'A', boundary: 'delivered', by: 'town' }
    const sum = { board, every: null, by: null }
    for (const panel of [
      { ...centres, panel: 21, field: 'energyKwh' },
      { ...centres, panel: 22, field: 'coverage' },
      { ...towns, panel: 31, field: 'energyKwh' },
      { ...towns, panel: 32, field: 'coverage' },
      { ...sum, panel: 11, refId: 'A', boundary: 'handoff', field: 'energyKwh' },
      { ...sum, panel: 11, refId: 'B', boundary: 'handoff', field: 'coverage' },
      { ...sum, panel: 12, refId: 'A', boundary: 'delivered', field: 'energyKwh' },
      { ...sum, panel: 12, refId: 'B', boundary: 'delivered', field: 'coverage' },
    ] as const) {
      expect(await expectHeat(comparison, panel)).toBeGreaterThan(0)
    }
    for (const panel of [
      { panel: 41, boundary: 'handoff', by: 'data_centre' },
      { panel: 42, boundary: 'delivered', by: 'town' },
    ]) {
      expect(await expectMonths(comparison, panel)).toBeGreaterThan(0)
    }
  })

  function lastHours(): Span {
    const now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
    return { fromMs: now - 2 * HOUR_MS, toMs: now + HOUR_MS - 1 }
  }
})
