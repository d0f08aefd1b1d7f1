import type { Device, Reading, Site } from '../../api/rows.ts'
import type { MapDevice } from '../../map/device-marker.tsx'
import { lateAfterMs } from './device-states.ts'

/** More markers would hide each other. */
const MAX_PLACED = 2000

/** The latest position of each device that gives one, of whatever kind the reading is. */
export function placedDevices(
  readings: Iterable<Reading>,
  kinds: ReadonlyMap<string, string>,
  nowMs: number,
): MapDevice[] {
  const latest = new Map<string, Reading>()
  for (const reading of readings) {
    const { device, fields, receivedAt } = reading
    if (typeof fields['lat'] !== 'number' || typeof fields['lon'] !== 'number') continue
    const before = latest.get(device)
    if (!before || before.receivedAt < receivedAt) latest.set(device, reading)
  }
  return [...latest.values()].slice(0, MAX_PLACED).flatMap((reading): MapDevice[] => {
    const { lat, lon, headingDeg, speedKmh } = reading.fields
    if (typeof lat !== 'number' || typeof lon !== 'number') return []
    const kind = kinds.get(reading.device) ?? reading.kind
    const isMoving =
      typeof headingDeg === 'number' && (typeof speedKmh !== 'number' || speedKmh > 3)
    const isStale = nowMs - Date.parse(reading.receivedAt) > lateAfterMs(kind)
    return [
      { device: reading.device, kind, lon, lat, headingDeg: isMoving ? headingDeg : null, isStale },
    ]
  })
}

/** How many robots at each site give no position of their own, such as those in a hall. */
export function indoorCounts(
  devices: readonly Device[],
  placed: readonly MapDevice[],
): ReadonlyMap<string, number> {
  const outdoors = new Set(placed.map(({ device }) => device))
  const counts = new Map<string, number>()
  for (const { id, site, kind } of devices) {
    if (site === null || kind !== 'robot' || outdoors.has(id)) continue
    counts.set(site, (counts.get(site) ?? 0) + 1)
  }
  return counts
}

export interface Area {
  readonly id: string
  readonly name: string
  readonly sites: readonly Site[]
  readonly devices: number
}

/** Sites with an outline that are nearer than this share a map. */
const NEAR_DEG = 0.05
const MARGIN_DEG = 0.02

/** Groups of neighbouring sites, the largest group first. */
export function areasOf(sites: readonly Site[], placed: readonly MapDevice[]): Area[] {
  const groups: Site[][] = []
  for (const site of sites) {
    if (!site.outline || !site.position) continue
    const group = groups.find((members) => members.some((member) => isNear(member, site)))
    if (group) group.push(site)
    else groups.push([site])
  }
  const areas = groups.map((members) => {
    const [first] = members
    const devices = placed.filter(({ lat, lon }) =>
      members.some(({ position }) => position && distance(position, { lat, lon }) < MARGIN_DEG),
    ).length
    return { id: first?.id ?? '', name: nameOf(members), sites: members, devices }
  })
  return areas.toSorted((a, b) => b.sites.length - a.sites.length)
}

/** The name of the largest site; the names of the others are on the map. */
function nameOf(sites: readonly Site[]): string {
  const sized = sites.toSorted((a, b) => extent(b) - extent(a))
  return sized[0]?.name ?? ''
}

function extent({ outline }: Site): number {
  const lats = (outline ?? []).map(([lat]) => lat)
  return Math.max(...lats) - Math.min(...lats)
}

interface Position {
  readonly lat: number
  readonly lon: number
}

function isNear(a: Site, b: Site): boolean {
  return a.position !== null && b.position !== null && distance(a.position, b.position) < NEAR_DEG
}

/** In degrees of latitude; accurate enough over a few kilometres. */
function distance(a: Position, b: Position): number {
  const scale = Math.cos((a.lat * Math.PI) / 180)
  return Math.hypot(a.lat - b.lat, (a.lon - b.lon) * scale)
}
