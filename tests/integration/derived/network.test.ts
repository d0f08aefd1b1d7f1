import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { compareLatency, compareTraffic, GROUPS } from './compare.ts'
import { HOUR_MS, MINUTE_MS, openTestbed, type Role, type Testbed } from './derived-support.ts'
import { HAS_INFLUXD } from './influxd.ts'

const TENANTS = ['_all', 'acme', 'beta']
const CELL = { rat: 'nr-sa', cellId: '5C4', band: 'n78', operator: '238-01' }

describe.skipIf(!HAS_INFLUXD)('derived network figures (needs influxd on the PATH)', () => {
  let bed: Testbed
  let role: Role
  const nowMs = Date.now()

  beforeEach(async () => {
    bed = await openTestbed('derived')
    role = await bed.start()
    for (const tenant of ['acme', 'beta']) {
      role.registry.tenants.create({ id: tenant, name: tenant })
      for (const id of ['t1', 't2']) role.registry.devices.create({ tenant, id, kind: 'truck' })
    }
  })
  afterEach(() => bed.close())

  /** An age of `agoMs` at least: above 60 s a reading is late, and no part of latency. */
  const truck = (agoMs: number, radio: object | null = null) => ({
    kind: 'truck',
    ts: Date.now() - agoMs,
    data: { speedKmh: 50 },
    ...(radio ? { radio } : {}),
  })

  /** Series and answers of the last hours, group by group. */
  async function compareAll(): Promise<number> {
    const span = {
      fromNs: BigInt(nowMs - 3 * HOUR_MS) * 1_000_000n,
      toNs: BigInt(nowMs + HOUR_MS) * 1_000_000n,
    }
    let count = 0
    for (const tenant of TENANTS) {
      count += await compareTraffic({ bed, role, span }, tenant)
      for (const by of GROUPS) count += await compareLatency({ bed, role, span }, tenant, by)
    }
    return count
  }

  it('equal the results of the API for each minute and group', async () => {
    const of = (make: (n: number) => object) => Array.from({ length: 30 }, (_, n) => make(n))
    await role.publish('acme.t1', ...of((n) => truck(300 - n, CELL)))
    await role.publish('beta.t1', ...of((n) => truck(2 * n, n % 2 === 0 ? CELL : { rat: 'lte' })))
    await role.publish('beta.t2', ...of((n) => truck(40_000 - 1000 * n)))
    await role.publish('acme.t2', ...of((n) => truck(10 * MINUTE_MS + n * 1000)))
    await role.drained()
    expect(await compareAll()).toBeGreaterThan(40)
  })

  it('are corrected by readings that come an hour late', async () => {
    await role.publish('acme.t1', truck(HOUR_MS, CELL))
    await role.drained()
    const messages = () =>
      bed.rows(`SELECT sum("messages") AS n FROM delivery_minute WHERE "tenant" = 'acme'`)
    expect((await messages())[0]?.['n']).toBe(1)
    await role.publish('acme.t1', truck(HOUR_MS, CELL), truck(HOUR_MS, CELL))
    await role.drained()
    expect((await messages())[0]?.['n']).toBe(3)
    await compareAll()
  })

  it('are made up for what came while InfluxDB was away', async () => {
    await role.publish('acme.t1', truck(100, CELL))
    await role.drained()
    await bed.influxd.kill()
    const late = Array.from({ length: 20 }, (_, n) => truck(n * 5 * MINUTE_MS))
    await role.send('acme.t1', truck(100, CELL), ...late)
    await role.send('beta.t2', truck(100))
    await waitFor(() => role.derived.status().problem !== '', { timeoutMs: 30_000 })
    await bed.influxd.start()
    await role.stored()
    await role.drained()
    expect(role.derived.status()).toEqual({ waiting: 0, problem: '' })
    expect(await compareAll()).toBeGreaterThan(40)
  })

  it('go on after a restart where they stood', async () => {
    await bed.influxd.kill()
    await role.send('acme.t1', truck(100, CELL), truck(90 * MINUTE_MS))
    await role.close()
    await bed.influxd.start()
    role = await bed.start()
    await role.stored()
    await role.drained()
    expect(await compareAll()).toBeGreaterThan(20)
    await role.publish('acme.t1', truck(90 * MINUTE_MS))
    await role.drained()
    await compareAll()
  })

  it('put what is beyond the budget of keys together, without percentiles', async () => {
    await role.close()
    role = await bed.start({ maxKeys: 2 })
    const cells = ['A1', 'A2', 'A3', 'A1', 'A4', 'A2', 'A1']
    await role.publish('acme.t1', ...cells.map((cellId) => truck(100, { ...CELL, cellId })))
    await role.drained()
    await role.close()
    role = await bed.start({ maxKeys: 2 })
    await role.publish('acme.t1', truck(100, { ...CELL, cellId: 'A5' }))
    await role.drained()
    const rows = await bed.rows(
      `SELECT sum("n") AS n, count("p50Ms") AS p FROM latency_minute WHERE "by" = 'cell' ` +
        `AND "tenant" = 'acme' AND "stage" = 'age' GROUP BY "key"`,
    )
    const found = rows.map(({ key, n, p }) => ({ key, n, hasPercentiles: Number(p) > 0 }))
    expect(found).toHaveLength(3)
    expect(found.reduce((sum, { n }) => sum + Number(n), 0)).toBe(8)
    expect(found.filter(({ hasPercentiles }) => !hasPercentiles).map(({ key }) => key)).toEqual([
      '_other',
    ])
  })
})
