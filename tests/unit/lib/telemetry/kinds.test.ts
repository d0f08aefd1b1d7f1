import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KINDS, KIND_NAMES, isKind } from '#lib/telemetry/catalogue.ts'
import { RADIO_FIELDS, radioOf, radioSchema } from '#lib/telemetry/radio.ts'

const folder = join(import.meta.dirname, '../../../../lib/telemetry/kinds')

/** Names that outsiders rely on: they may be added to, never changed. */
const CONTRACT: Readonly<Record<string, string>> = {
  truck: `lat lon speedKmh headingDeg altM odometerM engineHoursH fuelPct socPct batteryPct cargoTemp1C
    cargoTemp2C cargoTemp3C cargoTemp4C ambientC gcwKg hdop satellites ignition movement driverState
    triggerType`,
  robot: `xM yM thetaRad mapId vxMps vyMps omegaRadps socPct operatingMode driving paused charging
    eStop localizationScore errors lat lon`,
  radio: 'rat rsrpDbm rsrqDb sinrDb cellId band operator pci tac nrarfcn cqi',
  heat_meter: `energyKwh coolingEnergyKwh volumeM3 volumeFlowM3h powerKw tFlowC tReturnC e8M3c e9M3c
    operatingHoursH status medium`,
  energy_meter: 'energyKwh powerKw voltageV currentA',
  probe: 'rttMs speedKmh lat lon headingDeg sizeBytes lost',
}

/** How the name of a field ends, by its unit: the unit stands last. */
const ENDINGS: Readonly<Record<string, string>> = {
  'km/h': 'Kmh',
  m: 'M',
  h: 'H',
  '%': 'Pct',
  Cel: 'C',
  kg: 'Kg',
  rad: 'Rad',
  'm/s': 'Mps',
  'rad/s': 'Radps',
  deg: 'Deg',
  kWh: 'Kwh',
  kW: 'Kw',
  m3: 'M3',
  'm3/h': 'M3h',
  'm3*Cel': 'M3c',
  ms: 'Ms',
  dBm: 'Dbm',
  dB: 'Db',
  V: 'V',
  A: 'A',
  Hz: 'Hz',
  l: 'L',
  By: 'Bytes',
  '1/min': 'Rpm',
  'Mbit/s': 'Mbps',
  kvar: 'Kvar',
  hPa: 'Hpa',
  'W/m2': 'Wm2',
  mm: 'Mm',
}

/** Degrees stand in `headingDeg` and, by custom, not in `lat` and `lon`. */
function endingOf(name: string, unit: string): string {
  if (name === 'lat' || name === 'lon') return unit === 'deg' ? name : 'degrees'
  return ENDINGS[unit] ?? 'a unit without an ending'
}

describe('the kinds of telemetry', () => {
  it('are one file each', () => {
    const files = readdirSync(folder).map((name) => name.replace('.ts', '').replaceAll('-', '_'))
    expect(files.toSorted()).toEqual([...KIND_NAMES].toSorted())
    expect(KIND_NAMES.map((name) => KINDS[name].name)).toEqual(KIND_NAMES)
  })

  it.each(Object.entries(CONTRACT))('%s keeps the names of its fields', (kind, names) => {
    const fields = isKind(kind) ? Object.keys(KINDS[kind].fields) : []
    expect(fields).toEqual(expect.arrayContaining(names.split(/\s+/)))
  })

  it.each(KIND_NAMES)('%s has unit, role and description of each field', (kind) => {
    for (const [name, field] of Object.entries(KINDS[kind].fields)) {
      expect(field.description, name).toMatch(/^[A-Z].*[.]$/)
      expect(field.unit === '' || name.endsWith(endingOf(name, field.unit)), name).toBe(true)
      expect(field.role === 'state', name).toBe(field.type !== 'number')
      expect(field.min ?? -Infinity).toBeLessThan(field.max ?? Infinity)
    }
  })

  it.each(KIND_NAMES)('%s has no sentinel within the physical range of its field', (kind) => {
    for (const [name, field] of Object.entries(KINDS[kind].fields)) {
      for (const sentinel of field.sentinels ?? []) {
        const inside = sentinel >= (field.min ?? -Infinity) && sentinel <= (field.max ?? Infinity)
        expect(inside, `${name} ${sentinel}`).toBe(false)
      }
    }
  })

  it('share names only with the same type and unit', () => {
    const seen = new Map<string, string>()
    for (const kind of KIND_NAMES) {
      for (const [name, { type, unit, role }] of Object.entries(KINDS[kind].fields)) {
        const shape = `${type} ${unit} ${role}`
        expect(seen.get(name) ?? shape, name).toBe(shape)
        seen.set(name, shape)
      }
    }
  })

  it('keep readings of what stays at a site for years and of fleets for months', () => {
    const kept = KIND_NAMES.filter((kind) => KINDS[kind].retention === 'metering')
    expect(kept).toEqual(['heat_meter', 'energy_meter', 'weather'])
  })
})

describe('the radio part', () => {
  it('is a subset of the radio kind', () => {
    expect(KINDS.radio.fields).toMatchObject(RADIO_FIELDS)
  })

  it('accepts the three access technologies only', () => {
    expect(radioSchema.safeParse({ rat: 'nr-sa' }).success).toBe(true)
    expect(radioSchema.safeParse({ rat: '5G' }).success).toBe(false)
  })

  it('is taken from the values of a reading, or null', () => {
    expect(radioOf({ rsrpDbm: -85, pci: 3, cqi: 9 })).toEqual({ rsrpDbm: -85 })
    expect(radioOf({ pci: 3 })).toBeNull()
  })
})
