import type { Point } from '#lib/store/influx/write/line.ts'
import { fieldKey, RADIO_NAMES, radioKey } from '#lib/store/influx/write/reading-point.ts'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition } from '#lib/telemetry/field.ts'
import { RATS, RADIO_FIELDS } from '#lib/telemetry/radio.ts'

/*
 * Points with the names that the store and the derived series write. Every series has values of its
 * own (`base`), so that a query of the wrong series fails.
 */

export const START_MS = Date.UTC(2026, 10, 24, 10)
export const MINUTES = 60
/** Within the seeded hour: rows outside it must not show. */
export const SPAN = { fromMs: START_MS + 10 * 60_000, toMs: START_MS + 50 * 60_000 }

/** Over the end of summer time and a month: 20 October to 5 November, local days. */
export const HEAT_SPAN = { fromMs: Date.UTC(2026, 9, 19, 22), toMs: Date.UTC(2026, 10, 4, 23) - 1 }

interface SeedDevice {
  readonly id: string
  readonly kind: Kind
  readonly site?: string
  readonly silentSeconds: number
}

export const DEVICES: readonly SeedDevice[] = [
  { id: 'acme.t1', kind: 'truck', site: 'gate', silentSeconds: 5 },
  { id: 'acme.r1', kind: 'robot', silentSeconds: 1200 },
  { id: 'acme.p1', kind: 'probe', site: 'gate', silentSeconds: 899 },
  { id: 'acme.x1', kind: 'radio', site: 'yard', silentSeconds: 900 },
  { id: 'acme.m1', kind: 'heat_meter', site: 'plant', silentSeconds: 4000 },
  { id: 'acme.e1', kind: 'energy_meter', site: 'plant', silentSeconds: 7 },
  { id: 'acme.w1', kind: 'weather', site: 'plant', silentSeconds: 7 },
  { id: 'acme-2.t9', kind: 'truck', site: 'gate', silentSeconds: 20 },
]

export const TENANTS = ['acme', 'acme-2']

const tenantOf = (id: string) => id.slice(0, id.indexOf('.'))
const ns = (ms: number) => BigInt(ms) * 1_000_000n

/** A number of its own for each series. */
function base(...parts: readonly string[]): number {
  let sum = 0
  for (const char of parts.join('/')) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 9973
  return sum / 10
}

export function seedPoints(): Point[] {
  return [
    ...deviceInfo(),
    ...latency(),
    ...delivery(),
    ...silence(),
    ...pipelines(),
    ...heat(),
    ...DEVICES.flatMap(raw),
  ]
}

function minutes<T>(make: (minute: number, timeNs: bigint) => T): T[] {
  return Array.from({ length: MINUTES }, (_, at) => make(at, ns(START_MS + at * 60_000)))
}

function deviceInfo(): Point[] {
  return DEVICES.map(({ id, kind, site = '' }) => ({
    measurement: 'device_info',
    tags: { tenant: tenantOf(id), device: id, kind, site },
    fields: { one: 1n },
    timeNs: ns(START_MS),
  }))
}

const KEYS = {
  rat: RATS,
  cell: ['5C422503D', '1A2B3C'],
  operator: ['238-01', '238-02'],
  band: ['n78', 'b20'],
  kind: ['truck', 'robot'],
  device: ['acme.t1', 'acme.r1', 'acme-2.t9'],
  tenant: TENANTS,
  all: ['_all'],
} as const

function latency(): Point[] {
  const groups = ['_all', ...TENANTS].flatMap((tenant) =>
    Object.entries(KEYS).flatMap(([by, keys]) =>
      keys.flatMap((key) => [
        ...['age', 'uplink', 'rtt'].map((stage) => ({ tenant, by, key, stage })),
        ...(tenant === '_all' && by === 'all'
          ? ['durable', 'stored'].map((stage) => ({ tenant, by, key, stage }))
          : []),
      ]),
    ),
  )
  return groups.flatMap((tags) => {
    const own = base(...Object.values(tags))
    return minutes((minute, timeNs) => ({
      measurement: 'latency_minute',
      tags,
      fields: {
        n: BigInt(10 + (minute % 7)),
        negative: BigInt(minute % 3),
        p50Ms: own + minute,
        p95Ms: own * 2 + (minute % 11),
        p99Ms: own * 3 + ((minute * 7) % 13),
        maxMs: own * 4 + minute,
        clockBoundMs: own / 10 + (minute % 4),
      },
      timeNs,
    }))
  })
}

/** A device that sends to two intakes, each with counters of its own. */
const HEARD_BY_TWO = 'acme.t1'

function delivery(): Point[] {
  return DEVICES.flatMap(({ id }, place) =>
    [tenantOf(id), '_all'].flatMap((tenant) =>
      minutes((minute, timeNs) => {
        const point = { measurement: 'delivery_minute', tags: { tenant, device: id }, timeNs }
        const traffic = {
          messages: 60 + place * 10 + (minute % 9),
          readings: 120 + place * 10 + (minute % 5),
          bytes: 9000 + place * 100 + minute,
        }
        if (id !== HEARD_BY_TWO) {
          return [{ ...point, fields: integers({ ...traffic, ...counters(minute, place) }) }]
        }
        return [
          { ...point, fields: integers(traffic) },
          ...['a', 'b'].map((node, nth) => ({
            ...point,
            tags: { ...point.tags, node },
            fields: integers(counters(minute, place + 3 * nth)),
          })),
        ]
      }).flat(),
    ),
  )
}

/** Names of the counters that the seed writes. */
export const COUNTERS = Object.keys(counters(0, 0))

function counters(minute: number, place: number): Record<string, number> {
  const parts = {
    stored: 50 * minute + place,
    rejected: Math.floor((minute + place) / 4),
    duplicate: Math.floor((minute + place) / 6),
    pending: (minute + place) % 3,
  }
  return {
    accepted: Object.values(parts).reduce((sum, count) => sum + count, 0),
    ...parts,
    late: Math.floor(minute / 7) + place,
    partial: place,
    lost: Math.floor((minute + place) / 5),
    commands: minute + place,
  }
}

function silence(): Point[] {
  return DEVICES.flatMap(({ id, kind, silentSeconds }) =>
    minutes((minute, timeNs) => {
      // The last value within the span counts.
      const isLast = ns(SPAN.toMs) === timeNs
      const point = {
        measurement: 'device_silence',
        tags: { tenant: tenantOf(id), device: id, kind },
        fields: { silentSeconds: isLast ? silentSeconds : 10_000 + minute },
        timeNs,
      }
      const other = { ...point, fields: { silentSeconds: 20_000 + minute } }
      return id === HEARD_BY_TWO
        ? [point, other].map((one, nth) => ({
            ...one,
            tags: { ...one.tags, node: 'ab'.charAt(nth) },
          }))
        : [point]
    }).flat(),
  )
}

function pipelines(): Point[] {
  return ['a', 'b'].flatMap((node, place) =>
    Array.from({ length: MINUTES * 6 }, (_, at) => ({
      measurement: 'pipeline',
      tags: { node: `00000000-0000-4000-8000-00000000000${node}` },
      fields: {
        ...integers({
          lagMessages: (at * 7 + place) % 23,
          journalBytes: 1_000_000 + at * 1000 + place,
          held: at % 50 === 3 ? 1 : 0,
          syncs: at * 40 + place,
          failedSyncs: Math.floor(at / 30),
          accepted: at * 100 + place,
          stored: at * 97,
          rejected: at * (1 + place),
          duplicate: at * 2,
          problems: at % 60 === 5 ? 1 : 0,
        }),
        lagSeconds: ((at * 3) % 17) / 10 + place,
        certificateDays: 90 - at / 8640,
      },
      timeNs: ns(START_MS + at * 10_000),
    })),
  )
}

const HEAT_KEYS = {
  all: ['_all'],
  data_centre: ['Bov', 'Kassoe'],
  town: ['Padborg', 'Krusaa'],
} as const

function heat(): Point[] {
  const hours = Math.ceil((HEAT_SPAN.toMs - HEAT_SPAN.fromMs) / 3_600_000)
  const groups = ['_all', 'acme'].flatMap((tenant) =>
    ['handoff', 'delivered'].flatMap((boundary) =>
      Object.entries(HEAT_KEYS).flatMap(([by, keys]) =>
        keys.map((key) => ({ tenant, boundary, by, key })),
      ),
    ),
  )
  return groups.flatMap((tags) => {
    const own = base(...Object.values(tags))
    return Array.from({ length: hours + 4 }, (_, hour) => {
      const isKnown = hour % 9 !== 4
      return {
        measurement: 'heat_hourly',
        tags,
        fields: {
          // A row whose energy is not known may have a number: it must not count.
          energyKwh: isKnown ? own + (hour % 24) : 1e6,
          coverage: isKnown ? 1 - (hour % 5) / 10 : 0,
          ...integers({
            known: isKnown ? 1 : 0,
            measured: isKnown ? 60 : 0,
            bridged: hour % 3,
            missing: isKnown ? 0 : 1,
            excluded: hour % 2,
          }),
        },
        timeNs: ns(HEAT_SPAN.fromMs + (hour - 2) * 3_600_000),
      }
    })
  })
}

/** Readings of a device every 10 s: every field of its kind, and radio values of the fleet. */
function raw({ id, kind }: SeedDevice, place: number): Point[] {
  const isFleet = KINDS[kind].retention === 'fleet'
  const fields = [
    ...Object.entries<FieldDefinition>(KINDS[kind].fields).map(
      ([name, field]) => [fieldKey(name), field] as const,
    ),
    ...RADIO_NAMES.filter((name) => isFleet && name !== 'rat').map(
      (name) => [radioKey(kind, name), RADIO_FIELDS[name]] as const,
    ),
  ]
  return Array.from({ length: MINUTES * 6 }, (_, at) => ({
    measurement: kind,
    tags: {
      tenant: tenantOf(id),
      device: id,
      channel: 'telemetry',
      rat: isFleet ? String(RATS[Math.floor(at / 6) % RATS.length]) : '',
    },
    fields: Object.fromEntries(
      fields.map(([name, field], nth) => [name, valueOf(field, at + place * 17 + nth * 5)]),
    ),
    timeNs: ns(START_MS + at * 10_000) + BigInt(at),
  }))
}

function valueOf({ type, role, min = 0, max = 100, values }: FieldDefinition, at: number) {
  if (type === 'boolean') return at % 2 === 0
  if (type === 'string') return values?.[at % values.length] ?? `S${at % 4}`
  const width = Math.min(max - min, 1000)
  return role === 'counter' ? min + at / 10 : min + (width * ((at * 13) % 101)) / 101
}

function integers(counts: Readonly<Record<string, number>>): Record<string, bigint> {
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, BigInt(count)]))
}
