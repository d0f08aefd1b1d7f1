import type { MeterKind } from '../meters/meter.ts'
import { ENERGY_TO_KWH, type Units } from '../payload/units.ts'

/** The field that a name of a telegram becomes, and the factor into its unit. */
export interface Target {
  readonly to: string
  readonly times: number
  readonly per: number
  /** Of two names of one field that of the lower rank is read; no real telegram has two. */
  readonly rank: number
}

interface Row {
  readonly to: string
  /** Names without the unit at their end. */
  readonly stems: readonly string[]
  readonly units: Units
}

/** The units of energy that wmbusmeters can be told to print. */
const ENERGY: Units = Object.fromEntries(
  Object.entries(ENERGY_TO_KWH).filter(([unit]) =>
    ['kwh', 'mwh', 'mj', 'gj', 'gcal'].includes(unit),
  ),
)
const VOLUME: Units = { m3: [1, 1], l: [1, 1000] }
const FLOW: Units = { m3h: [1, 1], lh: [1, 1000] }
const only = (unit: string): Units => ({ [unit]: [1, 1] })

const POWER: Row = {
  to: 'powerKw',
  stems: ['power', 'current_power', 'current_power_consumption'],
  units: only('kw'),
}

/** The synonyms of 24 drivers of heat meters (docs/domain.md 3.3). */
const HEAT_ROWS: readonly Row[] = [
  {
    to: 'energyKwh',
    stems: [
      'total_energy_consumption',
      'total',
      'total_heating',
      'total_heat_energy',
      'heat',
      'total_energy',
      'current_consumption',
    ],
    units: ENERGY,
  },
  {
    to: 'coolingEnergyKwh',
    stems: [
      'total_cooling',
      'total_cooling_energy',
      'total_energy_cooling',
      'total_cooling_consumption',
    ],
    units: ENERGY,
  },
  {
    to: 'volumeM3',
    stems: ['total_volume', 'total', 'volume', 'total_water', 'total_heating'],
    units: VOLUME,
  },
  {
    to: 'volumeFlowM3h',
    stems: ['volume_flow', 'flow', 'flow_water', 'current_volume_flow'],
    units: FLOW,
  },
  POWER,
  {
    to: 'tFlowC',
    stems: ['t1_temperature', 'flow_temperature', 'flow', 'forward', 'supply_temperature'],
    units: only('c'),
  },
  { to: 'tReturnC', stems: ['t2_temperature', 'return_temperature', 'return'], units: only('c') },
  { to: 'e8M3c', stems: ['forward_energy'], units: only('m3c') },
  { to: 'e9M3c', stems: ['return_energy'], units: only('m3c') },
  { to: 'operatingHoursH', stems: ['operating_time', 'on_time'], units: only('h') },
]

/** Not a field of the kind: exported power is the negative part of `powerKw`. */
export const EXPORTED_POWER = 'exportedPowerKw'

const phases = (quantity: string, unit: string): readonly Row[] =>
  [1, 2, 3].map((phase) => ({
    to: `${quantity}${phase}${unit.toUpperCase()}`,
    stems: [`${quantity}_at_phase_${phase}`],
    units: only(unit),
  }))

/** Names of the electricity drivers; exported energy has its own register. */
const ELECTRICITY_ROWS: readonly Row[] = [
  {
    to: 'energyKwh',
    stems: ['total_energy_consumption', 'total', 'total_energy', 'current_consumption'],
    units: ENERGY,
  },
  { to: 'exportedEnergyKwh', stems: ['total_energy_production'], units: ENERGY },
  POWER,
  { to: EXPORTED_POWER, stems: ['current_power_production'], units: only('kw') },
  { to: 'frequencyHz', stems: ['frequency'], units: only('hz') },
  { to: 'voltageV', stems: ['voltage'], units: only('v') },
  ...phases('voltage', 'v'),
  { to: 'currentA', stems: ['current'], units: only('a') },
  ...phases('current', 'a'),
]

/** The names of one kind of meter. */
export interface MeterNames {
  readonly targets: ReadonlyMap<string, Target>
  /** Stems that always mean energy: any other unit after them is an unknown one. */
  readonly energyStems: ReadonlySet<string>
}

export const METERS: Readonly<Record<MeterKind, MeterNames>> = {
  heat_meter: namesOf(HEAT_ROWS),
  energy_meter: namesOf(ELECTRICITY_ROWS),
}

export const ENERGY_UNITS: readonly string[] = Object.keys(ENERGY)

function namesOf(rows: readonly Row[]): MeterNames {
  const targets = new Map<string, Target>()
  const energyStems = new Set<string>()
  for (const { to, stems, units } of rows) {
    for (const [rank, stem] of stems.entries()) {
      // `total` and `heat` alone are stems of other quantities too.
      if (units === ENERGY && stem.includes('_')) energyStems.add(stem)
      for (const [unit, [times, per]] of Object.entries(units)) {
        targets.set(`${stem}_${unit}`, { to, times, per, rank })
      }
    }
  }
  return { targets, energyStems }
}
