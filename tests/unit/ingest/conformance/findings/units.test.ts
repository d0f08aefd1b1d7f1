import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { heatCoefficient } from '#lib/kpi/heat/heat-coefficient.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { Evidence } from '../../../../../ingest/conformance/finding.ts'
import { findAll } from '../../../../../ingest/conformance/catalogue.ts'
import { codesOf, HEALTHY, readingOf } from '../evidence.ts'
import { timesRuns } from '../../../../support/random-runs.ts'

const SEED = Number(process.env['SEED'] ?? 20261125)

/** Ten minutes northwards at a steady speed: a degree of latitude is 111.195 km. */
function drive(kmh: number, told: (kmh: number, metres: number) => ReadingRow['fields']) {
  return Array.from({ length: 600 }, (_, second) => {
    const metres = (kmh / 3.6) * second
    return readingOf(second, { lat: 54.8 + metres / 111_195, lon: 9.3, ...told(kmh, metres) })
  })
}

function truck(readings: readonly ReadingRow[]): string[] {
  return codesOf({ ...HEALTHY, readings })
}

function advice(evidence: Evidence, code: string): string {
  return findAll(evidence).find((one) => one.code === code)?.advice ?? ''
}

/** A heat meter that hands over 300 kW at 80 to 50 C, read every ten minutes for a day. */
function meter(
  told: (kwh: number, m3: number) => ReadingRow['fields'],
  kind: 'heat_meter' | 'energy_meter' = 'heat_meter',
): Evidence {
  const k = heatCoefficient({ tFlowC: 80, tReturnC: 50, flowSensor: 'return' }) ?? 0
  const readings = Array.from({ length: 144 }, (_, at) => {
    const kwh = 1_000_000 + 50 * at
    return readingOf(at * 600, told(kwh, kwh / (30 * k)), kind)
  })
  const device: Device = { ...HEALTHY.device, kind }
  const nowNs = readings.at(-1)?.receivedAtNs ?? 0n
  const facts = { ...HEALTHY.facts, kind, lastReceivedAtNs: nowNs }
  return { ...HEALTHY, device, nowNs, facts, readings, last: readings.slice(-1) }
}

const WARM = { tFlowC: 80, tReturnC: 50 }

describe(`findings about units (SEED=${SEED})`, () => {
  it('speed: none for km/h, whatever the noise of the receiver', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 20, max: 100, noNaN: true }),
        fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 600, maxLength: 600 }),
        (kmh, noise) => {
          const readings = drive(kmh, (speedKmh) => ({ speedKmh })).map((row, at) => {
            const lat = Number(row.fields['lat']) + (noise[at] ?? 0) / 111_195
            return { ...row, fields: { ...row.fields, lat } }
          })
          expect(truck(readings)).toEqual([])
        },
      ),
      { seed: SEED, numRuns: timesRuns(30) },
    )
  })

  it.each([
    ['knots', 1.852],
    ['m/s', 3.6],
    ['miles per hour', 1.609344],
    ['cm/s', 0.036],
  ])('speeds: these can only be %s', (unit, factor) => {
    const readings = drive(80, (kmh) => ({ speedKmh: kmh / factor }))
    expect(truck(readings)).toEqual(['error speed_unit'])
    expect(advice({ ...HEALTHY, readings }, 'speed_unit')).toContain(`in ${unit}:`)
  })

  it('speed: none for a device that stands, or sends few positions', () => {
    expect(truck(drive(0, () => ({ speedKmh: 0 })))).toEqual([])
    expect(truck(drive(80, () => ({ speedKmh: 22 })).slice(0, 20))).toEqual([])
  })

  it('speed: none where no unit explains the difference, since the positions may be wrong', () => {
    for (const factor of [1.15, 1.4, 2.5, 10]) {
      expect(truck(drive(60, (kmh) => ({ speedKmh: kmh / factor })))).toEqual([])
    }
  })

  it('odometer: none where no unit explains the difference, since the route may be wrong', () => {
    for (const factor of [1.3, 2, 4, 20, 100]) {
      expect(truck(drive(60, (_kmh, metres) => ({ odometerM: metres / factor })))).toEqual([])
    }
  })

  it('odometer: one for kilometres, none for metres', () => {
    expect(truck(drive(80, (_kmh, odometerM) => ({ odometerM })))).toEqual([])
    const readings = drive(80, (_kmh, metres) => ({ odometerM: metres / 1000 }))
    expect(truck(readings)).toEqual(['error distance_unit'])
    expect(advice({ ...HEALTHY, readings }, 'distance_unit')).toContain('in km:')
  })

  it('energy: none for kWh', () => {
    expect(codesOf(meter((energyKwh, volumeM3) => ({ energyKwh, volumeM3, ...WARM })))).toEqual([])
    expect(codesOf(meter((energyKwh) => ({ energyKwh, powerKw: 300 })))).toEqual([])
  })

  it.each([
    ['Wh', 0.001],
    ['MJ', 1 / 3.6],
    ['GJ', 1000 / 3.6],
    ['MWh', 1000],
    ['Gcal', 1163],
  ])('energy: this can only be %s, by the water and by the power', (unit, factor) => {
    const byWater = meter((kwh, volumeM3) => ({ energyKwh: kwh / factor, volumeM3, ...WARM }))
    expect(codesOf(byWater)).toEqual(['error energy_unit'])
    expect(advice(byWater, 'energy_unit')).toContain(`in ${unit}:`)
    for (const kind of ['heat_meter', 'energy_meter'] as const) {
      const byPower = meter((kwh) => ({ energyKwh: kwh / factor, powerKw: 300 }), kind)
      expect(codesOf(byPower)).toEqual(['error energy_unit'])
      expect(advice(byPower, 'energy_unit')).toContain(`in ${unit}:`)
    }
  })

  it('energy: none for a coarse register before it has counted sixteen steps', () => {
    const told = (energyKwh: number, volumeM3: number) => ({ energyKwh, volumeM3, ...WARM })
    const coarse = (kwh: number, m3: number) => told(Math.floor(kwh / 700) * 1000, m3)
    expect(codesOf(meter(coarse))).toEqual([])
  })

  it('energy: one for GJ from the first message on', () => {
    const whole = meter((kwh, volumeM3) => ({ energyKwh: kwh / (1000 / 3.6), volumeM3 }))
    const first = { ...whole, readings: whole.readings.slice(-1) }
    expect(codesOf(first)).toEqual(['error energy_unit'])
    expect(advice(first, 'energy_unit')).toContain('in GJ:')
  })

  it('power: one for W, by flow and temperatures', () => {
    const fields = { powerKw: 69_000, volumeFlowM3h: 2, ...WARM }
    const evidence = meter(() => fields)
    expect(codesOf(evidence)).toEqual(['error power_unit'])
    expect(advice(evidence, 'power_unit')).toContain('in W')
    expect(codesOf(meter(() => ({ ...fields, powerKw: 69 })))).toEqual([])
  })

  it('temperature: one for kelvin and for Fahrenheit', () => {
    const kelvin = { ...HEALTHY, last: [readingOf(99, { cargoTemp1C: 255.15 })] }
    expect(codesOf(kelvin)).toEqual(['error temperature_unit'])
    expect(advice(kelvin, 'temperature_unit')).toContain('kelvin')
    const hot = { ...HEALTHY, last: [readingOf(99, { ambientC: 95 })] }
    expect(advice(hot, 'temperature_unit')).toContain('Fahrenheit')
    const fahrenheit = { tFlowC: 176, tReturnC: 122 }
    const warm = meter((energyKwh, volumeM3) => ({ energyKwh, volumeM3, ...fahrenheit }))
    expect(codesOf(warm)).toEqual(['error heat_temperature_unit'])
  })

  it('percentages: one for fractions of one', () => {
    const shares = drive(80, (kmh, metres) => ({ speedKmh: kmh, fuelPct: 0.9 - metres / 1e6 }))
    expect(truck(shares)).toEqual(['warning fraction'])
    const empty = drive(80, (speedKmh) => ({ speedKmh, fuelPct: 0 }))
    expect(truck(empty), 'an empty tank').toEqual([])
  })
})
