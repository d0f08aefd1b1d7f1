/** A position in WGS 84. */
export interface Place {
  readonly lat: number
  readonly lon: number
}

/** A polyline with the distance of each point from its beginning. */
export interface Route {
  readonly points: readonly Place[]
  readonly atM: readonly number[]
  readonly lengthM: number
}

/** Mean radius of the earth (docs/domain.md 2.6). */
const EARTH_RADIUS_M = 6_371_008.8

/** Throws when all points are the same. */
export function createRoute(points: readonly (readonly [lat: number, lon: number])[]): Route {
  const places = points.map(([lat, lon]) => ({ lat, lon }))
  const atM: number[] = []
  let lengthM = 0
  for (const [at, place] of places.entries()) {
    const before = places[at - 1]
    if (before) lengthM += distanceM(before, place)
    atM.push(lengthM)
  }
  if (!(lengthM > 0)) throw new RangeError('a route needs two points that differ')
  return { points: places, atM, lengthM }
}

/** Great-circle distance by the haversine formula. */
export function distanceM(from: Place, to: Place): number {
  const sinLat = Math.sin(radians(to.lat - from.lat) / 2)
  const sinLon = Math.sin(radians(to.lon - from.lon) / 2)
  const a =
    sinLat * sinLat + Math.cos(radians(from.lat)) * Math.cos(radians(to.lat)) * sinLon * sinLon
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(a)))
}

/** The position after so many metres, and the heading there, clockwise from north. */
export function placeAt(route: Route, alongM: number): Place & { readonly headingDeg: number } {
  const { points, atM } = route
  let after = 1
  while (after < points.length - 1 && (atM[after] ?? 0) < alongM) after += 1
  const [from, to] = partOf(route, after)
  const startM = atM[after - 1] ?? 0
  const partM = (atM[after] ?? 0) - startM
  const share = partM > 0 ? Math.min(1, Math.max(0, (alongM - startM) / partM)) : 0
  return {
    lat: from.lat + (to.lat - from.lat) * share,
    lon: from.lon + (to.lon - from.lon) * share,
    headingDeg: headingDeg(from, to),
  }
}

/** The nearest point of the route: how far along, and how far away. */
export function nearestOn(route: Route, place: Place): { alongM: number; offM: number } {
  let best = { alongM: 0, offM: Infinity }
  for (let at = 1; at < route.points.length; at += 1) {
    const [from, to] = partOf(route, at)
    const east = Math.cos(radians(from.lat))
    const [ax, ay] = [(to.lon - from.lon) * east, to.lat - from.lat]
    const [bx, by] = [(place.lon - from.lon) * east, place.lat - from.lat]
    const size = ax * ax + ay * ay
    const share = size > 0 ? Math.min(1, Math.max(0, (ax * bx + ay * by) / size)) : 0
    const foot = { lat: from.lat + ay * share, lon: from.lon + (to.lon - from.lon) * share }
    const offM = distanceM(foot, place)
    const startM = route.atM[at - 1] ?? 0
    const alongM = startM + ((route.atM[at] ?? 0) - startM) * share
    if (offM < best.offM) best = { alongM, offM }
  }
  return best
}

/** The segment that ends in a point. */
function partOf({ points }: Route, end: number): readonly [Place, Place] {
  const [from, to] = [points[end - 1], points[end]]
  if (from && to) return [from, to]
  throw new RangeError(`a route of ${points.length} points has no part that ends in ${end}`)
}

function headingDeg(from: Place, to: Place): number {
  const east = (to.lon - from.lon) * Math.cos(radians(from.lat))
  const degrees = (Math.atan2(east, to.lat - from.lat) * 180) / Math.PI
  return (degrees + 360) % 360
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180
}
