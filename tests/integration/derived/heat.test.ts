import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareHeat } from './compare.ts'
import { HOUR_MS, MINUTE_MS, openTestbed, type Role, type Testbed } from './derived-support.ts'
import { HAS_INFLUXD } from './influxd.ts'

describe.skipIf(!HAS_INFLUXD)('derived heat (needs influxd on the PATH)', () => {
  let bed: Testbed
  let role: Role
  // A whole hour, so that every reading is where the test expects it.
  const endMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS

  beforeEach(async () => {
    bed = await openTestbed('derived-heat')
    role = await bed.start()
    for (const tenant of ['varme', 'other']) {
      role.registry.tenants.create({ id: tenant, name: tenant })
    }
    addMeter('varme', 'm1', { role: 'delivered', town: 'Padborg', heatNetwork: 'west' })
    addMeter('varme', 'm2', { role: 'delivered', town: 'Bov' })
    addMeter('varme', 'm3', { role: 'handoff', dataCentre: 'dc1', maxPowerKw: 500 })
  })
  afterEach(() => bed.close())

  function addMeter(tenant: string, id: string, settings: Record<string, unknown>): void {
    role.registry.devices.create({ tenant, id, kind: 'heat_meter', settings })
  }

  /** A register read so many minutes after the beginning of the hour that lies `hoursAgo` back. */
  const register = (hoursAgo: number, minutes: number, energyKwh: number) => ({
    kind: 'heat_meter',
    ts: endMs - hoursAgo * HOUR_MS + minutes * MINUTE_MS,
    data: { energyKwh },
  })

  /** From the hour of the first reading on. */
  async function compareAll(hours: number): Promise<number> {
    const span = {
      fromNs: BigInt(endMs - hours * HOUR_MS) * 1_000_000n,
      toNs: BigInt(endMs) * 1_000_000n,
    }
    let count = 0
    for (const tenant of ['_all', 'varme']) count += await compareHeat({ bed, role, span }, tenant)
    return count
  }

  /** Two days of hours, each register a little after the hour. */
  async function publishDays(): Promise<void> {
    const hours = Array.from({ length: 48 }, (_, hour) => hour)
    const all = (minutes: number, energyKwh: (hour: number) => number) =>
      hours.map((hour) => register(48 - hour, minutes, energyKwh(hour)))
    await role.publish('varme.m1', ...all(5, (hour) => 1000 + hour * 10))
    await role.publish('varme.m2', ...all(10, (hour) => 500 + hour * 3))
    await role.publish('varme.m3', ...all(1, (hour) => hour * 20))
  }

  it('equals the results of the API for each hour and place', async () => {
    await publishDays()
    await role.drained()
    expect(await compareAll(48)).toBeGreaterThan(400)
  })

  it('moves heat to another hour when late data require it, and removes it from the first', async () => {
    // The middle of the first two is a minute before the end of the second hour; with the late one
    // between them, one lies in the first hour and the other in the third.
    await role.publish('varme.m1', register(5, 0, 100), register(2, 58, 160))
    await role.drained()
    await compareAll(5)
    const sum = async () => {
      const rows = await bed.rows(
        `SELECT sum("energyKwh") AS kwh FROM heat_hourly WHERE "tenant" = 'varme' AND "by" = 'all' ` +
          `AND "boundary" = 'delivered'`,
      )
      return rows[0]?.['kwh']
    }
    expect(await sum()).toBe(60)
    await role.publish('varme.m1', register(5, 30, 110))
    await role.drained()
    await compareAll(5)
    expect(await sum()).toBe(60)
  })

  it('follows the settings of the meters through the past', async () => {
    await publishDays()
    await role.drained()
    role.registry.devices.delete('varme.m2')
    addMeter('varme', 'm2', { role: 'delivered', town: 'Padborg' })
    addMeter('other', 'm9', { role: 'delivered', town: 'Padborg' })
    await role.drained()
    await compareAll(48)
    const towns = await bed.rows(
      `SELECT sum("energyKwh") AS kwh FROM heat_hourly WHERE "tenant" = 'varme' AND "by" = 'town' ` +
        `AND "boundary" = 'delivered' AND "known" = 1 GROUP BY "key"`,
    )
    expect(towns.map(({ key }) => key)).toEqual(['Padborg'])
  })

  it('has the hours of a meter that fell silent', async () => {
    await role.publish('varme.m1', register(30, 0, 100), register(29, 0, 110))
    await role.close()
    role = await bed.start()
    await role.publish('varme.m2', register(1, 0, 1))
    await role.drained()
    await compareAll(30)
  })
})
