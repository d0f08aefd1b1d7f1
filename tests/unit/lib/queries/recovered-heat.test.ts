import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import type { RegisterRow } from '#lib/telemetry/heat.ts'
import type { HeatQuery } from '#lib/queries/heat/recovered-rows.ts'
import type { RegistersScan } from '#lib/store/scans.ts'
import { answerHeat } from '#lib/queries/recovered-heat.ts'
import type { TooMany } from '#lib/telemetry/too-many.ts'
import { queryContext } from '../../../support/query-context.ts'

const HOUR_NS = 3_600_000_000_000n
/** 2026-11-24T12:00:00Z. */
const NOON_NS = 1_795_521_600_000_000_000n
const ALL = { tenants: null, devices: null, kinds: null }

function meter(name: string, settings: object, kind: Device['kind'] = 'heat_meter'): Device {
  const own = { topics: [], gateway: false, site: null, secretNames: [], createdAt: '' }
  const id = `acme.${name}`
  return { id, tenant: 'acme', name, kind, format: 'native', ...own, settings: { ...settings } }
}

function hourly(device: string, energies: readonly number[], status = 'OK'): RegisterRow[] {
  return energies.map((energyKwh, at) => ({
    device,
    timeNs: NOON_NS - BigInt(energies.length - 1 - at) * HOUR_NS,
    energyKwh,
    meterId: null,
    flags: [],
    status,
    operatingHoursH: null,
  }))
}

interface World {
  readonly devices: readonly Device[]
  readonly rows?: readonly RegisterRow[]
  readonly timezone?: string
  readonly maxRegisters?: number
}

async function heat(world: World, over: Partial<HeatQuery> = {}) {
  const asked: RegistersScan[] = []
  const registers = async (scan: RegistersScan) => {
    asked.push(scan)
    return world.rows ?? []
  }
  const { devices, timezone = 'Europe/Copenhagen', maxRegisters } = world
  const heat = { devices: () => devices }
  const answer = await answerHeat(
    queryContext({ store: { registers }, heat, timezone, nowNs: NOON_NS }),
    {
      scope: ALL,
      boundaries: ['delivered'],
      by: [],
      every: null,
      fromNs: NOON_NS - 4n * HOUR_NS,
      toNs: NOON_NS,
      ...over,
    },
    maxRegisters,
  )
  return { answer: answer as Exclude<typeof answer, TooMany>, asked: asked[0] }
}

const DELIVERED = { role: 'delivered', town: 'Padborg', maxPowerKw: 50, registerStep: 0.1 }

describe('heat from the registry and the registers', () => {
  it('queries only the meters of the boundary, with the limits of their settings', async () => {
    const devices = [
      meter('a', DELIVERED),
      meter('b', { role: 'handoff' }),
      meter('pump', { role: 'heat_pump_power' }, 'energy_meter'),
      meter('none', {}),
      meter('e', { role: 'delivered' }, 'energy_meter'),
      meter('truck', { role: 'delivered' }, 'truck'),
    ]
    const { answer, asked } = await heat({ devices })
    expect(asked?.meters).toEqual([
      { device: 'acme.a', limitKw: 60, stepKwh: 0.1 },
      { device: 'acme.e', limitKw: 120_000, stepKwh: 1 },
    ])
    expect(answer).toMatchObject({ meters: 2, metersWithoutRole: 1 })
    const scope = { ...ALL, tenants: ['beta'] }
    expect((await heat({ devices }, { scope })).answer).toMatchObject({ rows: [], meters: 0 })
  })

  it('expects nothing of the time that is still to come', async () => {
    const rows = hourly('acme.a', [0, 10, 20, 30, 40])
    const { answer, asked } = await heat(
      { devices: [meter('a', DELIVERED)], rows },
      { toNs: NOON_NS + 1000n * HOUR_NS },
    )
    expect(asked?.toNs).toBe(NOON_NS)
    expect(answer.rows).toMatchObject([{ energyKwh: 40, coverage: 1, uncertaintyKwh: 0.1 }])
    const future = { fromNs: NOON_NS + HOUR_NS, toNs: NOON_NS + 2n * HOUR_NS }
    const later = await heat({ devices: [meter('a', DELIVERED)] }, future)
    expect(later.answer).toMatchObject({ rows: [], coverage: null })
    expect(later.asked).toBeUndefined()
  })

  it.each([
    ['PT15M', 'Europe/Copenhagen', null],
    ['PT1H', 'Europe/Copenhagen', HOUR_NS],
    ['PT90M', 'Europe/Copenhagen', HOUR_NS / 2n],
    ['P1D', 'Europe/Copenhagen', HOUR_NS],
    ['P1M', 'Europe/Copenhagen', HOUR_NS],
    ['P1D', 'Asia/Kolkata', HOUR_NS / 2n],
    ['P1D', 'Asia/Kathmandu', HOUR_NS / 4n],
    [null, 'Europe/Copenhagen', HOUR_NS],
  ])('for every=%s in %s takes cells that no interval begins within', async (...given) => {
    const [every, timezone, cellNs] = given
    const span = { fromNs: NOON_NS - 2000n * HOUR_NS }
    const devices = [meter('a', DELIVERED)]
    expect((await heat({ devices, timezone }, { every, ...span })).asked?.cellNs).toBe(cellNs)
  })

  it('counts each hour by the settings that held then', async () => {
    const at = (hours: bigint) =>
      String(Temporal.Instant.fromEpochNanoseconds(NOON_NS + hours * HOUR_NS))
    const moved = {
      ...meter('a', DELIVERED),
      past: [
        { validTo: at(-3n), changedAt: at(0n), by: null, settings: { ...DELIVERED, town: 'Bov' } },
        {
          validTo: at(-1n),
          changedAt: at(0n),
          by: null,
          settings: { ...DELIVERED, town: 'Kruså' },
        },
      ],
    }
    const rows = hourly('acme.a', [0, 10, 20, 30, 40])
    const { answer } = await heat({ devices: [moved], rows }, { by: ['town'] })
    // One hour in Bov, two in Kruså, one in Padborg; each covered in full.
    expect(answer.rows).toMatchObject([
      { group: { town: 'Padborg' }, energyKwh: 10, coverage: 1, meters: 1 },
      { group: { town: 'Kruså' }, energyKwh: 20, coverage: 1, meters: 1 },
      { group: { town: 'Bov' }, energyKwh: 10, coverage: 1, meters: 1 },
    ])
    expect(answer).toMatchObject({ meters: 1, coverage: 1 })
    const whole = await heat({ devices: [moved], rows })
    expect(whole.answer.rows).toMatchObject([{ energyKwh: 40, coverage: 1, meters: 1 }])
  })

  it('lets a correction reach further back than an earlier change', async () => {
    const at = (hours: bigint) =>
      String(Temporal.Instant.fromEpochNanoseconds(NOON_NS + hours * HOUR_NS))
    const corrected = {
      ...meter('a', DELIVERED),
      past: [
        { validTo: at(-1n), changedAt: at(0n), by: null, settings: { role: 'it' } },
        { validTo: at(-9n), changedAt: at(0n), by: null, settings: { role: 'handoff' } },
      ],
    }
    const rows = hourly('acme.a', [0, 10, 20, 30, 40])
    const { answer } = await heat({ devices: [corrected], rows })
    expect(answer.rows).toMatchObject([{ energyKwh: 40, coverage: 1 }])
  })

  it('reports a lasting error as one finding, and a fall with its time', async () => {
    const devices = [meter('a', DELIVERED), meter('b', DELIVERED)]
    const rows = [
      ...hourly('acme.a', [10, 10, 10, 10, 10], 'DRY'),
      ...hourly('acme.b', [900, 910, 5, 15, 25]),
    ]
    const { answer } = await heat({ devices, rows })
    expect(answer.findings).toEqual([
      {
        device: 'acme.a',
        code: 'sensor_error',
        time: NOON_NS - 4n * HOUR_NS,
        to: NOON_NS,
        count: 4,
      },
      {
        device: 'acme.b',
        code: 'register_reset',
        time: NOON_NS - 3n * HOUR_NS,
        to: NOON_NS - 2n * HOUR_NS,
        count: 1,
      },
    ])
    expect(answer.rows).toMatchObject([{ energyKwh: 30, coverage: 3 / 8, meters: 2 }])
    // A finding outside the span is none of its answer.
    const late = await heat({ devices, rows }, { fromNs: NOON_NS - HOUR_NS })
    expect(late.answer.findings.map(({ code }) => code)).toEqual(['sensor_error'])
    const early = await heat({ devices, rows }, { toNs: NOON_NS - 3n * HOUR_NS })
    expect(early.answer.findings.map(({ code }) => code)).toEqual(['sensor_error'])
  })

  it('groups by the settings of the meters, with null where one is not set', async () => {
    const devices = [meter('a', DELIVERED), meter('b', { role: 'delivered', heatNetwork: 'N' })]
    const rows = [...hourly('acme.a', [0, 5]), ...hourly('acme.b', [0, 7])]
    const { answer } = await heat({ devices, rows }, { by: ['town', 'heatNetwork'] })
    expect(answer.rows.map(({ group, energyKwh }) => [group, energyKwh])).toEqual([
      [{ town: 'Padborg', heatNetwork: null }, 5],
      [{ town: null, heatNetwork: 'N' }, 7],
    ])
  })

  it('is refused where intervals and meters come to too much', async () => {
    const devices = [meter('a', DELIVERED), meter('b', DELIVERED)]
    const { answer, asked } = await heat({ devices, maxRegisters: 7 }, { every: 'PT1H' })
    expect(answer).toEqual({ tooMany: true, limit: 7 })
    expect(asked).toBeUndefined()
  })
})
