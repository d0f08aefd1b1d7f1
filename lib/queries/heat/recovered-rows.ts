import { calendarBuckets, parseEvery, type CalendarBucket } from '#lib/kpi/calendar.ts'
import { groupHeat, type PointHeat } from '#lib/kpi/heat/heat-groups.ts'
import { heatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import type { Boundary, HeatGrouping } from '#lib/telemetry/heat.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import { overlap, type Span } from '#lib/telemetry/span.ts'
import { isTooMany, type TooMany } from '#lib/telemetry/too-many.ts'
import type { HeatDevice } from '../intake-state.ts'
import type { QueryContext } from '../query.ts'
import { findingsOf, type RegisterFinding } from './findings.ts'
import { HOUR_NS } from '#lib/telemetry/time-grid.ts'
import { finalUpTo, mergeNotable, type HeatHours } from './hours.ts'
import {
  knownSpan,
  partsOf,
  piecesOf,
  scannedSpan,
  type MeterSpan,
  type Parts,
} from './meter-spans.ts'
import {
  hasNoRole,
  heatMeterOf,
  isMeterInScope,
  labelsOf,
  registersOf,
  type HeatMeter,
  type Registers,
} from './meters.ts'
import { settingsInTime } from './settings-in-time.ts'

/** Registers scanned for one result at most; of a quiet meter an hour needs two. */
export const MAX_REGISTERS = 400_000

export interface HeatQuery extends Span {
  readonly scope: Scope
  readonly boundaries: readonly Boundary[]
  readonly by: readonly HeatGrouping[]
  /** As it was written: days, months and years follow the calendar of the platform's zone. */
  readonly every: string | null
}

export interface RecoveredHeat {
  readonly points: readonly PointHeat[]
  readonly groups: ReturnType<typeof groupHeat>
  readonly findings: readonly RegisterFinding[]
  readonly meters: number
  /** Heat meters in the scope that belong to no boundary, since their role is not set. */
  readonly metersWithoutRole: number
}

/**
 * Recovered heat per boundary, group and interval (docs/domain.md 3.5, 7.3), from the registers of
 * the meters and their settings in the registry. Time that is still to come is not expected.
 */
export async function recoveredHeatOf(
  context: QueryContext,
  query: HeatQuery,
  maxRegisters: number,
): Promise<RecoveredHeat | TooMany> {
  const nowNs = context.nowNs()
  const span = { fromNs: query.fromNs, toNs: query.toNs < nowNs ? query.toNs : nowNs }
  const seen = context.state.heat.devices().filter((one) => isMeterInScope(one, query.scope))
  const versions = versionsOf(seen, span, query.boundaries)
  const meters = versions.flat()
  const buckets = bucketsOf(span, query.every, context.timezone)
  if (buckets.length * meters.length > maxRegisters) return { tooMany: true, limit: maxRegisters }
  const points: PointHeat[] = []
  const findings: RegisterFinding[] = []
  for (const [at, ofVersion] of versions.entries()) {
    const scan = { meters: ofVersion, span, buckets, query, limit: maxRegisters, isPast: at > 0 }
    const scanned = await scanMeters(context, scan)
    if (isTooMany(scanned)) return scanned
    for (const meter of ofVersion) {
      const meterSpans = meterSpansOf(meter, scanned)
      const notable = meterSpans.map((one) => one.notable).reduce(mergeNotable)
      findings.push(...findingsOf(meter.device.id, notable, overlap(span, meter.valid)))
      points.push(...pointsOf(meter, meterSpans, buckets))
      await context.yieldToEventLoop()
      context.signal.throwIfAborted()
    }
  }
  const groups = groupHeat(points, query.by)
  const metersWithoutRole = seen.filter(hasNoRole).length
  const known = new Set(meters.map(({ device }) => device.id)).size
  return { points, groups, findings, meters: known, metersWithoutRole }
}

/** Meters by the age of their settings, the present first: of a device there is one in each list. */
function versionsOf(
  devices: readonly HeatDevice[],
  span: Span,
  boundaries: readonly Boundary[],
): readonly (readonly HeatMeter[])[] {
  const versions: HeatMeter[][] = []
  for (const device of devices) {
    for (const [at, inTime] of settingsInTime(device, span).entries()) {
      const ofVersion = (versions[at] ??= [])
      ofVersion.push(...heatMeterOf(inTime, boundaries))
    }
  }
  return versions
}

/** The meter in each bucket, as far as its settings held there. */
function pointsOf(
  meter: HeatMeter,
  meterSpans: readonly MeterSpan[],
  buckets: readonly CalendarBucket[],
): PointHeat[] {
  const { boundary, device, valid } = meter
  const labels = labelsOf(device)
  const within = buckets
    .map((bucket) => ({ bucket, part: overlap(bucket, valid) }))
    .filter(({ part }) => part.fromNs < part.toNs)
  const pieces = piecesOf(
    meterSpans,
    within.map(({ part }) => part),
  )
  return within.map(({ bucket, part }, at) => {
    const expectedNs = part.toNs - part.fromNs
    // There is a piece for each part.
    return { piece: pieces[at]!, meter, boundary, labels, bucket, expectedNs, point: device.id }
  })
}

/** Share of the time of all points that measured intervals cover; null without a point. */
export function coverageOfPoints(points: readonly PointHeat[]): number | null {
  let measuredNs = 0n
  let expectedNs = 0n
  for (const { piece, bucket, expectedNs: ofPoint } of points) {
    measuredNs += piece.measuredNs
    expectedNs += ofPoint ?? bucket.toNs - bucket.fromNs
  }
  return expectedNs === 0n ? null : Number(measuredNs) / Number(expectedNs)
}

interface Scan {
  readonly meters: readonly HeatMeter[]
  readonly span: Span
  readonly buckets: readonly CalendarBucket[]
  readonly query: HeatQuery
  readonly limit: number
  /** Of earlier settings no hours are kept: those of the present ones would have to go. */
  readonly isPast: boolean
}

interface Scanned {
  readonly parts: Parts
  /** Registers of each span that was scanned. */
  readonly registers: readonly Registers[]
  readonly hours: HeatHours | undefined
  readonly asOf: number
}

async function scanMeters(
  { store, state, signal }: QueryContext,
  { meters, span, buckets, query, limit, isPast }: Scan,
): Promise<Scanned | TooMany> {
  const cellNs = cellOf(query.every, buckets)
  // Within an hour nothing is known: shorter intervals are scanned.
  const hours = cellNs === HOUR_NS && !isPast ? state.heat.hours : undefined
  const asOf = hours?.now() ?? 0
  const parts = partsOf(hours, meters, span)
  const registers: Registers[] = []
  for (const one of parts.scanned) {
    const found = await registersOf(store, { meters, span: one, cellNs, limit }, signal)
    if (isTooMany(found)) return found
    registers.push(found)
  }
  return { parts, registers, hours, asOf }
}

/** A meter over the whole span, in the order of time; learns the hours that are final. */
function meterSpansOf(
  meter: HeatMeter,
  { parts, registers, hours, asOf }: Scanned,
): readonly MeterSpan[] {
  const { device, rules } = meter
  // Before anything is learned: `parts` rests on what is known now.
  const known = parts.known && hours?.of(device.id, rules)
  const scanned = parts.scanned.map((span, at) => {
    const rows = registers[at]?.get(device.id) ?? []
    const intervals = heatIntervals(rows, meter)
    const finalNs = finalUpTo(rows)
    if (finalNs !== null) hours?.learn(device.id, rules, { span, intervals, asOf, finalNs })
    return scannedSpan(intervals, span)
  })
  const all = known && parts.known ? [...scanned, knownSpan(known, parts.known)] : scanned
  return all.toSorted((a, b) => (a.fromNs < b.fromNs ? -1 : 1))
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
