import { isFmsNoValue } from '../trucks/fms-no-value.ts'
import type { SourceField } from '../trucks/source-fields.ts'

/** One knot is 1.852 km/h by definition (ISO 80000-3); a ratio, so that digits stay exact. */
const KMH_PER_KNOT = { times: 1852, per: 1000 } as const

/** Of the model Position; its address is left out, since it may be that of a home. */
export const POSITION: readonly SourceField[] = [
  { from: 'latitude', to: 'lat', type: 'number' },
  { from: 'longitude', to: 'lon', type: 'number' },
  { from: 'altitude', to: 'altM', type: 'number' },
  { from: 'speed', to: 'speedKmh', type: 'number', ...KMH_PER_KNOT },
  { from: 'course', to: 'headingDeg', type: 'number' },
]

const HOUR_MS = 3_600_000

/**
 * Attributes with the unit that Traccar's model Position names. Not read: `totalDistance`, which
 * the server adds up itself and which would alternate with the odometer in one counter; `obdSpeed`,
 * which was in knots once; `temp1`..., whose place only the installer knows. The setting
 * `attributes` can name them. `driverUniqueId` and `vin` are dropped.
 */
export const ATTRIBUTES: readonly SourceField[] = [
  { from: 'odometer', to: 'odometerM', type: 'number', isNone: isFmsNoValue },
  {
    from: 'hours',
    to: 'engineHoursH',
    type: 'number',
    per: HOUR_MS,
    none: [-1],
    isNone: isFmsNoValue,
  },
  { from: 'fuelUsed', to: 'fuelUsedL', type: 'number', isNone: isFmsNoValue },
  { from: 'fuelLevel', to: 'fuelPct', type: 'number', isNone: isFmsNoValue },
  { from: 'rpm', to: 'engineRpm', type: 'number', isNone: isFmsNoValue },
  { from: 'power', to: 'supplyV', type: 'number' },
  { from: 'battery', to: 'batteryV', type: 'number' },
  { from: 'batteryLevel', to: 'batteryPct', type: 'number' },
  { from: 'ignition', to: 'ignition', type: 'boolean' },
  { from: 'motion', to: 'movement', type: 'boolean' },
  { from: 'sat', to: 'satellites', type: 'number' },
  { from: 'hdop', to: 'hdop', type: 'number' },
]

export const ATTRIBUTES_SETTING = {
  setting: 'attributes',
  example: '{"temp1":{"to":"cargoTemp1C"}}',
  name: /^[A-Za-z]\w{0,63}$/,
}
