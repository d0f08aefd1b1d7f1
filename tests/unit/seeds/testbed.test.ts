import { geoContains } from 'd3-geo'
import { describe, expect, it } from 'vitest'
import { FORMAT_NAMES } from '../../../ingest/formats/catalogue.ts'
import { KINDS, isKind } from '#lib/telemetry/catalogue.ts'
import { ID_PATTERN } from '#lib/telemetry/ids.ts'
import { DEVICES, ROBOTS } from '../../../seeds/devices.ts'
import { METERS, PLANTS } from '../../../seeds/testbed/heat.ts'
import { PROBES } from '../../../seeds/testbed/probes.ts'
import { E45_NORTH } from '../../../seeds/testbed/roads.ts'
import { SITES } from '../../../seeds/testbed/sites.ts'
import { TENANTS } from '../../../seeds/testbed/tenants.ts'
import { TRUCKS } from '../../../seeds/testbed/trucks.ts'

describe('the testbed', () => {
  it('has the fleet that the demo announces', () => {
    expect(TRUCKS).toHaveLength(40)
    expect(ROBOTS).toHaveLength(30)
    expect(METERS.filter(({ kind }) => kind === 'heat_meter')).toHaveLength(12)
    expect(METERS.filter(({ kind }) => kind === 'energy_meter')).toHaveLength(4)
    expect(new Set(PROBES.map(({ kind }) => kind))).toEqual(new Set(['radio', 'probe']))
    expect(new Set(METERS.map(({ format }) => format))).toEqual(new Set(['native', 'wmbusmeters']))
    for (const fault of ['clock', 'malformed', 'repeating']) {
      expect(TRUCKS.filter((truck) => truck.fault === fault)).toHaveLength(1)
    }
    expect(METERS.filter(({ resetBeforeEndMs }) => resetBeforeEndMs !== null)).toHaveLength(1)
  })

  it('supplies eight towns of two data centres, each measured where it is handed off and delivered', () => {
    const towns = PLANTS.flatMap((plant) => plant.towns.map(({ id }) => id))
    expect(new Set(towns).size).toBe(8)
    for (const town of towns) {
      const meters = METERS.filter((meter) => meter.town === town)
      expect(meters.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
      expect(new Set(meters.map(({ municipality }) => municipality)).size).toBe(1)
    }
    for (const { id } of PLANTS) {
      const handed = METERS.filter(
        ({ plant, quantity }) => plant === id && quantity.of === 'handoff',
      )
      expect(handed.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
    }
    const flensburg = METERS.find(({ town }) => town === 'Flensburg')
    expect(flensburg?.municipality).toBe('Flensburg')
  })

  it('registers devices of known kinds, formats, tenants and sites, each id and topic once', () => {
    const topics = DEVICES.flatMap(({ topics = [] }) => topics)
    expect(new Set(topics).size).toBe(topics.length)
    expect(new Set(DEVICES.map(({ tenant, id }) => `${tenant}.${id}`)).size).toBe(DEVICES.length)
    for (const { id, tenant, kind, format = 'native', site } of DEVICES) {
      expect(id).toMatch(ID_PATTERN)
      expect(isKind(kind) && KINDS[kind].name).toBe(kind)
      expect(FORMAT_NAMES).toContain(format)
      expect(TENANTS.map((one) => one.id)).toContain(tenant)
      expect(SITES.map((one) => one.id)).toContain(site)
    }
  })

  it('has for each meter the settings that the heat ledger needs', () => {
    for (const { kind, settings = {} } of DEVICES) {
      if (kind !== 'heat_meter' && kind !== 'energy_meter') continue
      expect(['handoff', 'delivered', 'it', 'total', 'heat_pump_power']).toContain(settings['role'])
      expect(settings['maxPowerKw']).toBeGreaterThan(0)
      expect(settings['dataCentre']).toBeTruthy()
      expect(['kWh', 'MWh', 'GJ']).toContain(settings['energyUnit'])
      expect(settings['registerDigits']).toBeGreaterThan(4)
      const isDelivered = settings['role'] === 'delivered'
      expect(typeof settings['town'] === 'string').toBe(isDelivered)
      expect(isDelivered && settings['heatNetwork'] === undefined).toBe(false)
    }
  })

  it('draws closed outlines around its sites, and about 30 points of the motorway northwards', () => {
    for (const { outline, position } of SITES) {
      if (!outline) continue
      expect(outline[0]).toEqual(outline.at(-1))
      const ring = outline.map(([lat, lon]): [number, number] => [lon, lat])
      const inside = [ring, ring.toReversed()].some((coordinates) =>
        geoContains({ type: 'Polygon', coordinates: [coordinates] }, [position.lon, position.lat]),
      )
      expect(inside).toBe(true)
    }
    expect(E45_NORTH).toHaveLength(30)
    expect(E45_NORTH.every(([lat], at) => at === 0 || lat > (E45_NORTH[at - 1]?.[0] ?? 0))).toBe(
      true,
    )
  })
})
