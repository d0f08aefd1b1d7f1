import { createRandom } from '#lib/runtime/random.ts'

/*
 * The rows of both sides of the section `queries`: a day of a fleet and a month of meters, on a virtual
 * clock, in the order of arrival. Seeded, so that both get the same rows.
 */

export interface FleetRow {
  readonly kind: 'truck' | 'robot' | 'probe'
  readonly device: string
  readonly seq: number
  /** Unix ms of the device. */
  readonly timeMs: number
  readonly delayMs: number
  readonly fields: Readonly<Record<string, number>>
  readonly radio: { readonly rat: string; readonly rsrpDbm: number; readonly sinrDb: number }
}

export interface MeterRow {
  readonly device: string
  readonly town: string
  readonly timeMs: number
  readonly energyKwh: number
  readonly powerKw: number
}

export interface History {
  /** Rows of the last 24 h before `endMs`. */
  readonly rows: number
  /** A whole hour. */
  readonly endMs: number
  readonly seed: number
}

const KINDS = [
  ...Array.from<'truck'>({ length: 600 }).fill('truck'),
  ...Array.from<'robot'>({ length: 300 }).fill('robot'),
  ...Array.from<'probe'>({ length: 100 }).fill('probe'),
] as const
const RATS = ['lte', 'nr-nsa', 'nr-sa'] as const
export const DAY_MS = 86_400_000
const METER_DAYS = 30
/** As many as the region has, each with some meters. */
const TOWNS = 8
const METERS_IN_ALL = 40
const METER_EVERY_MS = 300_000

export const FLEET_DEVICES = KINDS.map((kind, at) => ({
  kind,
  device: `${kind}-${String(at).padStart(4, '0')}`,
}))

export const METERS = Array.from({ length: METERS_IN_ALL }, (_, at) => ({
  device: `meter-${String(at).padStart(2, '0')}`,
  town: `town-${at % TOWNS}`,
}))

/** One row per device in turn, evenly over the day. */
export function* fleetRows({ rows, endMs, seed }: History): Iterable<FleetRow> {
  const random = createRandom(seed)
  const startMs = endMs - DAY_MS
  for (let n = 0; n < rows; n += 1) {
    const at = n % FLEET_DEVICES.length
    const { kind, device } = FLEET_DEVICES[at] ?? FLEET_DEVICES[0]!
    const lat = 54.8 + random.next() * 0.3
    const lon = 9.1 + random.next() * 0.5
    const speedKmh = Math.round(random.next() * 900) / 10
    const delayMs = 8 + 30 * random.next() ** 4
    const rat = RATS[at % 3] ?? 'lte'
    const radio = {
      rat,
      rsrpDbm: -70 - Math.floor(random.next() * 45),
      sinrDb: Math.floor(random.next() * 30),
    }
    const seq = Math.floor(n / FLEET_DEVICES.length) + 1
    const fields = fieldsOf(kind, { lat, lon, speedKmh, rttMs: 2 * delayMs })
    yield {
      kind,
      device,
      seq,
      timeMs: Math.floor(startMs + (n * DAY_MS) / rows),
      delayMs,
      fields,
      radio,
    }
  }
}

function fieldsOf(
  kind: FleetRow['kind'],
  { lat, lon, speedKmh, rttMs }: Record<'lat' | 'lon' | 'speedKmh' | 'rttMs', number>,
): FleetRow['fields'] {
  if (kind === 'truck') return { lat, lon, speedKmh, fuelPct: 50 + speedKmh / 10 }
  if (kind === 'robot') return { lat, lon, xM: speedKmh, socPct: 90 - speedKmh / 10 }
  return { lat, lon, speedKmh, rttMs }
}

/** Registers that rise by about 2 MW, every 5 minutes over 30 days; whole kWh. */
export function* meterRows({ endMs, seed }: History): Iterable<MeterRow> {
  const random = createRandom(seed + 1)
  const energy = METERS.map(() => 1_000_000)
  for (let timeMs = endMs - METER_DAYS * DAY_MS; timeMs <= endMs; timeMs += METER_EVERY_MS) {
    for (const [at, { device, town }] of METERS.entries()) {
      const powerKw = 1500 + 1000 * random.next()
      energy[at] = (energy[at] ?? 0) + (powerKw * METER_EVERY_MS) / 3_600_000
      yield { device, town, timeMs, energyKwh: Math.floor(energy[at] ?? 0), powerKw }
    }
  }
}
