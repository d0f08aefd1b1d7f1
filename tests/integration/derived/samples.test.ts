import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ALL } from '#lib/telemetry/scope.ts'
import { waitFor } from '../../support/wait-for.ts'
import { openTestbed, type Role, type Testbed } from './derived-support.ts'
import { HAS_INFLUXD } from './influxd.ts'
import { queryRows } from '../../support/query-rows.ts'

describe.skipIf(!HAS_INFLUXD)('samples of the present (needs influxd on the PATH)', () => {
  let bed: Testbed
  let role: Role

  beforeEach(async () => {
    bed = await openTestbed('derived-samples')
    role = await bed.start()
    const { registry } = role
    registry.tenants.create({ id: 'acme', name: 'acme' })
    registry.sites.create({ id: 'yard', tenant: null, name: 'Yard', position: null, outline: null })
    registry.devices.create({ tenant: 'acme', id: 't1', kind: 'truck', site: 'yard' })
    registry.devices.create({ tenant: 'acme', id: 't2', kind: 'truck' })
    registry.devices.create({ tenant: 'acme', id: 'g1', kind: 'gateway', gateway: true })
    registry.devices.create({
      tenant: 'acme',
      id: 'm1',
      kind: 'heat_meter',
      settings: { role: 'delivered', town: 'Kruså', dataCentre: 'dc 1', heatNetwork: 'a,b' },
    })
  })
  afterEach(() => bed.close())

  const truck = () => ({ kind: 'truck', ts: Date.now(), data: { speedKmh: 50 } })
  const broken = () => ({ kind: 'truck', ts: Date.now(), data: { speedKmh: 'fast' } })

  const isSettled = ({ lagMessages, rejected }: Readonly<Record<string, unknown>>) =>
    lagMessages === 0 && rejected === 1

  /** The latest row of a query, as soon as it is as wanted. */
  function lastRow(influxql: string, isIt: (row: Readonly<Record<string, unknown>>) => boolean) {
    return waitFor(async () => (await bed.rows(influxql)).findLast(isIt), {
      timeoutMs: 30_000,
      everyMs: 200,
      what: influxql,
    })
  }

  it('show the intake as its status and the sums of /delivery have it', async () => {
    await role.publish('acme.t1', truck(), truck(), broken())
    await role.close()
    role = await bed.start()
    const row = await lastRow('SELECT * FROM pipeline', isSettled)
    expect(row).toMatchObject({
      node: role.ingest.journal.id,
      lagMessages: 0,
      lagSeconds: 0,
      held: 0,
      failedSyncs: 0,
      accepted: 3,
      stored: 2,
      rejected: 1,
      duplicate: 0,
      problems: 0,
      certificateDays: 42.5,
    })
    const { syncs } = role.ingest.journal.status()
    expect(Number(row['syncs'])).toBeLessThanOrEqual(syncs)
    expect(Number(row['journalBytes'])).toBeGreaterThan(0)
  })

  it('keep the counters of each device in the minute that has ended', async () => {
    await role.publish('acme.t1', truck(), broken())
    // At a start samples are taken at once: no test waits for the turn of a minute.
    await role.close()
    role = await bed.start()
    const row = await lastRow(
      `SELECT * FROM delivery_minute WHERE "device" = 'acme.t1' AND "tenant" = 'acme'`,
      ({ pending, rejected }) => pending === 0 && rejected === 1,
    )
    const scope = { ...ALL, devices: ['acme.t1'] }
    const [wanted] = await queryRows(role.ingest.port, 'delivery', { scope })
    expect(row).toMatchObject({ ...wanted, tenant: 'acme' })
    const atNs = BigInt(String(row['time']))
    expect(atNs % 60_000_000_000n).toBe(0n)
    expect(atNs).toBeLessThan(bed.clock.nowNs() - 60_000_000_000n)
  })

  it('tell the silence of devices that were heard, and of those that never were', async () => {
    const seconds = (device: string, isIt: (s: number) => boolean) =>
      lastRow(
        `SELECT "silentSeconds", "kind", "tenant" FROM device_silence WHERE "device" = '${device}'`,
        ({ silentSeconds }) => isIt(Number(silentSeconds)),
      )
    // The clock of the series is 70 s ahead.
    expect(await seconds('acme.m1', (s) => s > 60)).toMatchObject({
      tenant: 'acme',
      kind: 'heat_meter',
    })
    await seconds('acme.t2', (s) => s > 60)
    const found = await bed.rows(`SHOW TAG VALUES FROM device_silence WITH KEY = "device"`)
    expect(found.map(({ value }) => value)).toEqual(['acme.m1', 'acme.t1', 'acme.t2'])
  })

  it('name devices with what boards choose by, also right after the registry has changed', async () => {
    const values = async (key: string) => {
      const rows = await bed.rows(`SHOW TAG VALUES FROM device_info WITH KEY = "${key}"`)
      return rows.map(({ value }) => value)
    }
    await waitFor(async () => (await values('device')).length === 4)
    expect(await values('tenant')).toEqual(['acme'])
    expect(await values('site')).toEqual(['yard'])
    expect(await values('kind')).toEqual(['gateway', 'heat_meter', 'truck'])
    expect(await values('town')).toEqual(['Kruså'])
    expect(await values('dataCentre')).toEqual(['dc 1'])
    expect(await values('heatNetwork')).toEqual(['a,b'])
    expect(await values('role')).toEqual(['delivered'])
    role.registry.devices.create({ tenant: 'acme', id: 'r1', kind: 'robot' })
    await waitFor(async () => (await values('kind')).includes('robot'))
    expect(await bed.rows('SELECT "one" FROM device_info')).toHaveLength(5)
  })
})
