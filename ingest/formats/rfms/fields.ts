import { isFmsNoValue } from '../trucks/fms-no-value.ts'
import type { SourceField } from '../trucks/source-fields.ts'

const number = (from: string, to: string, parts: Partial<SourceField> = {}): SourceField => ({
  from,
  to,
  type: 'number',
  isNone: isFmsNoValue,
  ...parts,
})

/** Texts without a driver state; DAF sends an empty one. */
const NO_STATE = ['', 'NOT_AVAILABLE']

/** In millilitres. */
const FUEL = number('engineTotalFuelUsed', 'fuelUsedL', { per: 1000, none: [-1] })
const WEIGHT = number('grossCombinationVehicleWeight', 'gcwKg')

/** At the top of a status: counters, and the weight that DAF has in its snapshot. */
export const STATUS: readonly SourceField[] = [
  number('hrTotalVehicleDistance', 'odometerM'),
  number('totalEngineHours', 'engineHoursH'),
  FUEL,
  WEIGHT,
]

/** In `accumulatedData`, where some servers have the fuel. */
export const ACCUMULATED: readonly SourceField[] = [FUEL]

/** A status has its speeds in `snapshotData`, a position at the top; wheels before tachograph. */
export const SPEEDS: readonly SourceField[] = [
  number('wheelBasedSpeed', 'speedKmh'),
  number('tachographSpeed', 'speedKmh'),
]

export const SNAPSHOT: readonly SourceField[] = [
  ...SPEEDS,
  WEIGHT,
  number('engineSpeed', 'engineRpm'),
  number('fuelLevel1', 'fuelPct'),
  number('catalystFuelLevel', 'adBluePct'),
  number('hybridBatteryPackRemainingCharge', 'socPct'),
  number('ambientAirTemperature', 'ambientC'),
  { from: 'driver1WorkingState', to: 'driverState', type: 'string', none: NO_STATE },
  { from: 'driver2WorkingState', to: 'driver2State', type: 'string', none: NO_STATE },
  { from: 'parkingBrakeSwitch', to: 'parkingBrake', type: 'boolean' },
]

/** The receiver's speed is used where the vehicle has none. */
export const GNSS: readonly SourceField[] = [
  { from: 'latitude', to: 'lat', type: 'number' },
  { from: 'longitude', to: 'lon', type: 'number' },
  { from: 'heading', to: 'headingDeg', type: 'number' },
  { from: 'altitude', to: 'altM', type: 'number' },
  { from: 'speed', to: 'speedKmh', type: 'number' },
]

/** Refrigerated bodies of Volvo, in `snapshotData.volvoGroupSnapshot`. */
export const CARGO: readonly SourceField[] = [
  { from: 'cargoDoorOpen', to: 'cargoDoorOpen', type: 'boolean' },
]

export const CARGO_ZONES = 4
