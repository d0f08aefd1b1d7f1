import { gauge, type FieldDefinition, type FieldProblem } from './field.ts'

/** Where a moving device is (WGS 84) and how good its satellite fix was. */
export const POSITION_FIELDS = {
  lat: gauge('deg', 'Latitude, WGS 84, north positive.', { min: -90, max: 90 }),
  lon: gauge('deg', 'Longitude, WGS 84, east positive.', { min: -180, max: 180 }),
  headingDeg: gauge('deg', 'Direction of travel, clockwise from true north.', {
    min: 0,
    max: 360,
    sentinels: [-1, 3601, 65535],
  }),
  altM: gauge(
    'm',
    'Height above the WGS 84 ellipsoid or mean sea level, as the receiver gives it.',
    {
      min: -500,
      max: 9000,
      sentinels: [-32768, 32767],
    },
  ),
  speedKmh: gauge('km/h', 'Speed over ground or of the wheels.', {
    min: 0,
    max: 130,
    sentinels: [-1, 65535],
  }),
  hdop: gauge('', 'Horizontal dilution of precision of the satellite fix.', { min: 0, max: 100 }),
  satellites: gauge('', 'Satellites used in the fix.', { min: 0, max: 100, sentinels: [255] }),
} as const satisfies Record<string, FieldDefinition>

/**
 * Half a position is not one: `lat` and `lon` come together (docs/devices.md, "The native
 * payload").
 */
export function checkPosition(data: Readonly<Record<string, unknown>>): FieldProblem | null {
  const hasLat = data['lat'] !== undefined
  const hasLon = data['lon'] !== undefined
  if (hasLat === hasLon) return null
  const [missing, given] = hasLat ? ['lon', 'lat'] : ['lat', 'lon']
  return { path: missing, expected: `number, since ${given} is given`, got: 'nothing' }
}

/**
 * Receivers without a fix report 0, 0 (446 of 762 messages of a recorded tracker,
 * docs/domain.md 2.4).
 */
export function isNoFix(data: Readonly<Record<string, unknown>>): boolean {
  return data['lat'] === 0 && data['lon'] === 0
}
