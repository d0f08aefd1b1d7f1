import { setImmediate as breathe } from 'node:timers/promises'
import { calendarBuckets, parseEvery, type CalendarBucket } from '#lib/kpi/calendar.ts'
import { kwhOfJoules } from '#lib/kpi/heat/energy-unit.ts'
import { groupHeat, type GroupHeat, type PointHeat } from '#lib/kpi/heat/heat-groups.ts'
import { heatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import { registerMeterOf, registerRules, type RegisterMeter } from '#lib/kpi/heat/register-meter.ts'
import type { Device } from '#lib/registry/registry.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type {
  Boundary,
  HeatAnswer,
  HeatFinding,
  HeatGrouping,
  HeatRow,
  RegisterRow,
} from '#lib/telemetry/heat.ts'
import type { RegistersScan } from '#lib/store/scans.ts'
import type { HeatQuery } from '#lib/telemetry/questions.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { inScope } from '#lib/telemetry/scope.ts'
import { isTooMany, type TooMany } from '#lib/telemetry/service.ts'
import { findingsOf } from './heat-findings.ts'
import { HOUR_NS } from '#lib/telemetry/time-grid.ts'
import { bothTold, settledUpTo, type HeatHours } from './heat-hours.ts'
import {
  knownStretch,
  partsOf,
  piecesOf,
  readStretch,
  type Parts,
  type Stretch,
} from './heat-spans.ts'

export interface HeatDeps {
  readonly registers: (
    query: RegistersScan,
    signal: AbortSignal,
  ) => Promise<readonly RegisterRow[] | TooMany>
  readonly devices: () => readonly Device[]
  readonly timezone: string
  readonly clock: Pick<Clock, 'nowNs'>
  /** Hours that need not be read again; left out where other processes write to the same store. */
  readonly hours?: HeatHours
  /** Registers read for one answer at most; of a quiet meter an hour needs two. */
  readonly maxRegisters?: number
}

/** An interval longer than this that crosses an end of the span counts on neither side of it. */
const LOOK_NS = 7n * 24n * HOUR_NS
const MAX_REGISTERS = 400_000
/** Findings in one answer; all of them are counted. */
const MAX_FINDINGS = 500

interface Meter extends RegisterMeter {
  readonly device: Device
  readonly boundary: Boundary
  /** What its register is read by, to compare. */
  readonly rules: string
}

/**
 * Recovered heat per boundary, group and interval (docs/domain.md 3.5, 7.3), from the registers of
 * the meters and from what the registry says of them. Time that is still to come is not expected.
 */
export async function answerHeat(
  deps: HeatDeps,
  query: HeatQuery,
  signal: AbortSignal,
): Promise<HeatAnswer | TooMany> {
  const nowNs = deps.clock.nowNs()
  const span = { fromNs: query.fromNs, toNs: query.toNs < nowNs ? query.toNs : nowNs }
  const seen = deps.devices().filter((device) => isSeen(device, query.scope))
  const meters = seen.flatMap((device) => meterOf(device, query.boundaries))
  const buckets = bucketsOf(span, query.every, deps.timezone)
  const limit = deps.maxRegisters ?? MAX_REGISTERS
  if (buckets.length * meters.length > limit) return { tooMany: true, limit }
  const cellNs = cellOf(query.every, buckets)
  // Within an hour nothing is known: what is shorter is read.
  const hours = cellNs === HOUR_NS ? deps.hours : undefined
  const asOf = hours?.now() ?? 0
  const parts = partsOf(hours, meters, span)
  const read: ReadonlyMap<string, readonly RegisterRow[]>[] = []
  for (const stretch of parts.read) {
    const registers = await registersOf(deps, { meters, span: stretch, cellNs, limit }, signal)
    if (isTooMany(registers)) return registers
    read.push(registers)
  }
  const points: PointHeat[] = []
  const findings: HeatFinding[] = []
  for (const meter of meters) {
    const stretches = stretchesOf(meter, { parts, read, hours, asOf })
    const told = stretches.map((stretch) => stretch.told).reduce(bothTold)
    findings.push(...findingsOf(meter.device.id, told, span))
    const labels = labelsOf(meter.device)
    for (const [at, piece] of piecesOf(stretches, buckets).entries()) {
      // There is a piece for each bucket.
      points.push({ piece, meter, boundary: meter.boundary, labels, bucket: buckets[at]! })
    }
    // The writer shares this thread: it takes its turn between two meters.
    await breathe()
    signal.throwIfAborted()
  }
  return {
    rows: groupHeat(points, query.by).map((group) => rowOf(group, query.every !== null)),
    findings: findings.slice(0, MAX_FINDINGS),
    findingsTotal: findings.length,
    coverage: coverageOf(points),
    meters: meters.length,
    metersWithoutRole: seen.filter(hasNoRole).length,
    timeZone: deps.timezone,
  }
}

function isSeen({ id, kind }: Device, scope: Scope): boolean {
  if (kind !== 'heat_meter' && kind !== 'energy_meter') return false
  return inScope(scope, id) && (scope.kinds?.includes(kind) ?? true)
}

function hasNoRole({ kind, settings }: Device): boolean {
  return kind === 'heat_meter' && typeof settings['role'] !== 'string'
}

function meterOf(device: Device, boundaries: readonly Boundary[]): Meter[] {
  const boundary = boundaries.find((one) => one === device.settings['role'])
  if (!boundary) return []
  const meter = registerMeterOf(device.settings)
  return [{ ...meter, device, boundary, rules: JSON.stringify(meter) }]
}

/** Which setting of a meter each grouping stands for. */
const SETTINGS: Readonly<Record<HeatGrouping, string>> = {
  town: 'town',
  data_centre: 'dataCentre',
  heat_network: 'heatNetwork',
  municipality: 'municipality',
}

function labelsOf({ settings }: Device): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(SETTINGS).map(([name, setting]) => {
      const value = settings[setting]
      return [name, typeof value === 'string' && value !== '' ? value : null]
    }),
  )
}

function bucketsOf(span: Span, text: string | null, timezone: string): readonly CalendarBucket[] {
  if (span.fromNs >= span.toNs) return []
  if (text === null) return [{ ...span, startNs: span.fromNs }]
  const every = parseEvery(text)
  const buckets = 'unit' in every ? calendarBuckets(span, every, timezone) : every
  if (!('got' in buckets)) return buckets
  throw new RangeError(`expected ${buckets.expected}, got ${buckets.got}; the API checks it before`)
}

/**
 * The length of cells of which the ends are enough: an hour, and less where buckets begin within
 * one, as in zones that are half an hour off. Null where buckets are shorter than an hour.
 */
function cellOf(text: string | null, buckets: readonly CalendarBucket[]): bigint | null {
  const every = text === null ? null : parseEvery(text)
  if (every && 'lengthNs' in every && every.lengthNs < HOUR_NS) return null
  return buckets.slice(1).reduce((cellNs, { startNs }) => divisor(cellNs, startNs), HOUR_NS)
}

/** Greatest common divisor. */
function divisor(a: bigint, b: bigint): bigint {
  return b === 0n ? a : divisor(b, a % b)
}

interface Given {
  readonly parts: Parts
  /** Registers per device, for each stretch that is read. */
  readonly read: readonly ReadonlyMap<string, readonly RegisterRow[]>[]
  readonly hours: HeatHours | undefined
  readonly asOf: number
}

/** A meter over the whole span, in the order of time; what was read is learned on the way. */
function stretchesOf(meter: Meter, { parts, read, hours, asOf }: Given): readonly Stretch[] {
  const { device, rules } = meter
  // Before anything is learned: `parts` rests on what is known now.
  const known = parts.known && hours?.of(device.id, rules)
  const stretches = parts.read.map((span, at) => {
    const rows = read[at]?.get(device.id) ?? []
    const intervals = heatIntervals(rows, meter)
    const settledNs = settledUpTo(rows)
    if (settledNs !== null) hours?.learn(device.id, rules, { span, intervals, asOf, settledNs })
    return readStretch(intervals, span)
  })
  const all = known && parts.known ? [...stretches, knownStretch(known, parts.known)] : stretches
  return all.toSorted((a, b) => (a.fromNs < b.fromNs ? -1 : 1))
}

interface Wanted {
  readonly meters: readonly Meter[]
  readonly span: Span
  readonly cellNs: bigint | null
  readonly limit: number
}

async function registersOf(
  deps: HeatDeps,
  { meters, span, cellNs, limit }: Wanted,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly RegisterRow[]> | TooMany> {
  if (meters.length === 0 || span.fromNs >= span.toNs) return new Map()
  const devices = meters.map(({ device }) => device.id)
  const rows = await deps.registers(
    {
      ...span,
      scope: { tenants: null, devices, kinds: ['heat_meter', 'energy_meter'] },
      meters: meters.map((meter) => {
        const { limitW, stepJ } = registerRules(meter)
        const limitKw = Number(limitW) / 1000
        return { device: meter.device.id, limitKw, stepKwh: kwhOfJoules(stepJ) }
      }),
      cellNs,
      lookNs: LOOK_NS,
      maxRows: limit,
    },
    signal,
  )
  if (isTooMany(rows)) return rows
  return Map.groupBy(rows, ({ device }) => device)
}

function rowOf({ boundary, labels, bucket, points, figures }: GroupHeat, isSeries: boolean) {
  const { energyKwh, bridgedKwh, resolutionKwh, coverage, intervals } = figures
  return {
    boundary,
    group: labels,
    // The interval as the calendar has it, also where the span begins within it.
    timeNs: isSeries ? startOf(bucket) : null,
    energyKwh,
    bridgedKwh,
    uncertaintyKwh: resolutionKwh,
    coverage,
    intervals,
    meters: points,
  } satisfies HeatRow
}

function startOf(bucket: Span & { readonly startNs?: bigint }): bigint {
  return bucket.startNs ?? bucket.fromNs
}

function coverageOf(points: readonly PointHeat[]): number | null {
  let measuredNs = 0n
  let expectedNs = 0n
  for (const { piece, bucket } of points) {
    measuredNs += piece.measuredNs
    expectedNs += bucket.toNs - bucket.fromNs
  }
  return expectedNs === 0n ? null : Number(measuredNs) / Number(expectedNs)
}
