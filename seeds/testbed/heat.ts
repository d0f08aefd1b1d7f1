import { REGISTERS, type Register } from '../../simulators/models/heat-meter.ts'
import type { Plant } from '../../simulators/models/heat-plant.ts'

export const HEAT_TENANT = 'varme'

/** Two fictional data centres and the towns that their heat pumps supply. */
export const PLANTS: readonly Plant[] = [
  {
    id: 'Kassø',
    itKw: 46_000,
    pue: 1.14,
    cop: 4.4,
    loss: 0.07,
    towns: [
      { id: 'Aabenraa', at0CKw: 12_500 },
      { id: 'Rødekro', at0CKw: 3100 },
      { id: 'Haderslev', at0CKw: 8800 },
      { id: 'Sønderborg', at0CKw: 9400 },
      { id: 'Tønder', at0CKw: 3600 },
      { id: 'Tinglev', at0CKw: 1250 },
    ],
  },
  {
    id: 'Padborg west',
    itKw: 3600,
    pue: 1.24,
    cop: 4,
    loss: 0.06,
    towns: [
      { id: 'Padborg', at0CKw: 1900 },
      { id: 'Flensburg', at0CKw: 1500 },
    ],
  },
]

/** What a meter measures: a part of the heat handed off, or delivered to a town, or electricity. */
export type Quantity =
  | { readonly of: 'handoff' }
  | { readonly of: 'town'; readonly town: string }
  | { readonly of: 'it' | 'total' | 'heat_pump_power' }

export interface MeterSeed {
  readonly id: string
  readonly kind: 'heat_meter' | 'energy_meter'
  readonly format: 'native' | 'wmbusmeters'
  readonly site: string
  readonly plant: string
  readonly quantity: Quantity
  /** This meter's part of the quantity; the parts of one quantity add up to 1. */
  readonly share: number
  readonly register: Register
  /** Eight digits. */
  readonly meterId: string
  readonly maxPowerKw: number
  readonly town: string | null
  readonly municipality: string
  readonly heatNetwork: string | null
  /** The electronics were replaced this long before the end of the history: registers at zero. */
  readonly resetBeforeEndMs: number | null
}

const { kwh, mwh, gj } = REGISTERS

const RESET_HOURS = 5

interface Handoff {
  readonly id: string
  readonly plant: string
  readonly site: string
  readonly share: number
  readonly register: Register
  readonly maxPowerKw: number
}

const HANDOFFS: readonly Handoff[] = [
  {
    id: 'handoff-kassoe-a',
    plant: 'Kassø',
    site: 'dc-kassoe',
    share: 0.55,
    register: mwh,
    maxPowerKw: 36_000,
  },
  {
    id: 'handoff-kassoe-b',
    plant: 'Kassø',
    site: 'dc-kassoe',
    share: 0.45,
    register: mwh,
    maxPowerKw: 30_000,
  },
  {
    id: 'handoff-padborg-west',
    plant: 'Padborg west',
    site: 'dc-padborg-west',
    share: 1,
    register: kwh,
    maxPowerKw: 6000,
  },
]

interface Delivery {
  readonly id: string
  readonly town: string
  readonly share: number
  readonly register: Register
  readonly format: MeterSeed['format']
  readonly maxPowerKw: number
  readonly municipality: string
}

const DELIVERIES: readonly Delivery[] = [
  delivery('aabenraa-north', 'Aabenraa', { share: 0.6, register: mwh, maxPowerKw: 18_000 }),
  delivery('aabenraa-south', 'Aabenraa', { share: 0.4, register: gj, maxPowerKw: 12_000 }),
  delivery('roedekro', 'Rødekro', { register: kwh, maxPowerKw: 8000, municipality: 'Aabenraa' }),
  delivery('haderslev', 'Haderslev', { register: mwh, format: 'native', maxPowerKw: 22_000 }),
  delivery('soenderborg', 'Sønderborg', { register: mwh, maxPowerKw: 24_000 }),
  delivery('toender', 'Tønder', { register: gj, maxPowerKw: 9000 }),
  delivery('tinglev', 'Tinglev', { register: kwh, maxPowerKw: 3500, municipality: 'Aabenraa' }),
  delivery('padborg', 'Padborg', { register: kwh, maxPowerKw: 5000, municipality: 'Aabenraa' }),
  delivery('flensburg', 'Flensburg', { register: kwh, format: 'native', maxPowerKw: 4500 }),
]

function delivery(id: string, town: string, rest: Partial<Delivery>): Delivery {
  const usual = { share: 1, register: kwh, format: 'wmbusmeters', maxPowerKw: 5000 } as const
  return { ...usual, municipality: town, ...rest, id: `heat-${id}`, town }
}

const ELECTRICITY = [
  { id: 'power-kassoe-it', plant: 'Kassø', of: 'it', maxPowerKw: 80_000 },
  { id: 'power-kassoe-total', plant: 'Kassø', of: 'total', maxPowerKw: 90_000 },
  { id: 'power-kassoe-pump', plant: 'Kassø', of: 'heat_pump_power', maxPowerKw: 20_000 },
  { id: 'power-padborg-pump', plant: 'Padborg west', of: 'heat_pump_power', maxPowerKw: 2000 },
] as const

export const METERS: readonly MeterSeed[] = [
  ...HANDOFFS.map(handoffMeter),
  ...DELIVERIES.map(deliveryMeter),
  ...ELECTRICITY.map(electricityMeter),
]

function handoffMeter(handoff: Handoff, at: number): MeterSeed {
  return {
    ...handoff,
    kind: 'heat_meter',
    format: at === 2 ? 'native' : 'wmbusmeters',
    quantity: { of: 'handoff' },
    meterId: String(67_100_001 + at),
    town: null,
    municipality: 'Aabenraa',
    heatNetwork: networkOf(handoff.plant),
    resetBeforeEndMs: null,
  }
}

function deliveryMeter({ town, ...rest }: Delivery, at: number): MeterSeed {
  const plant = PLANTS.find(({ towns }) => towns.some(({ id }) => id === town))
  if (!plant) throw new RangeError(`no plant supplies ${town}`)
  return {
    ...rest,
    kind: 'heat_meter',
    site: siteOf(town),
    plant: plant.id,
    quantity: { of: 'town', town },
    meterId: String(67_200_001 + at),
    town,
    heatNetwork: `${town} district heating`,
    resetBeforeEndMs: town === 'Tinglev' ? RESET_HOURS * 3_600_000 : null,
  }
}

function electricityMeter(
  { of, plant, ...rest }: (typeof ELECTRICITY)[number],
  at: number,
): MeterSeed {
  return {
    ...rest,
    kind: 'energy_meter',
    format: at % 2 === 0 ? 'wmbusmeters' : 'native',
    site: plant === 'Kassø' ? 'dc-kassoe' : 'dc-padborg-west',
    plant,
    quantity: { of },
    share: 1,
    register: kwh,
    meterId: String(31_300_001 + at),
    town: null,
    municipality: 'Aabenraa',
    heatNetwork: of === 'heat_pump_power' ? networkOf(plant) : null,
    resetBeforeEndMs: null,
  }
}

function networkOf(plant: string): string {
  return `${plant} heat transmission`
}

function siteOf(town: string): string {
  const plain = town.toLowerCase().replaceAll('ø', 'oe').replaceAll('å', 'aa')
  return `town-${plain}`
}
