import { overlap, type Span } from '#lib/telemetry/span.ts'
import { kwhOfJoules } from './energy-unit.ts'
import type { HeatInterval, HeatIntervals, IntervalKind } from './heat-intervals.ts'
import { registerStepJ, type RegisterMeter } from './register-meter.ts'

/*
 * Heat per bucket of time (hour, local day, month, year) from the intervals of a measuring point.
 *
 * The energy of a bucket is the difference of the registers at its two ends. Where no register was
 * read at an end, the reading nearest to it replaces it, the earlier one of two equally near.
 * Neighbouring buckets share that reading, so the energy of a period is the sum of its parts,
 * exactly, and nothing is interpolated. For an interval that means: all its energy goes to the bucket that
 * holds its middle. Its time, on the other hand, is clipped: coverage counts each bucket's own.
 */

/**
 * What one measuring point adds to one bucket: sums, so that pieces of a bucket may be stored and
 * merged in any order. An interval counts where its middle is, its time where it lies.
 */
export interface HeatPiece {
  /** Null where no register difference falls into the bucket. */
  readonly energyJ: bigint | null
  /** The part of it whose distribution in time is not known. */
  readonly bridgedJ: bigint
  readonly measuredNs: bigint
  readonly bridgedNs: bigint
  readonly missingNs: bigint
  readonly excludedNs: bigint
  readonly intervals: Readonly<Record<IntervalKind, number>>
}

export function emptyHeatPiece(): HeatPiece {
  return {
    energyJ: null,
    bridgedJ: 0n,
    measuredNs: 0n,
    bridgedNs: 0n,
    missingNs: 0n,
    excludedNs: 0n,
    intervals: { measured: 0, bridged: 0, missing: 0, excluded: 0 },
  }
}

/**
 * The pieces of one measuring point, one for each bucket in order. Buckets are sorted and do not
 * overlap. A reading that was left out counts as an excluded interval of no length.
 */
export function heatPieces(
  { intervals, findings }: HeatIntervals,
  buckets: readonly Span[],
): HeatPiece[] {
  const leftOutNs = findings.filter(({ isUsed }) => !isUsed).map(({ timeNs }) => timeNs)
  let firstInterval = 0
  let firstLeftOut = 0
  return buckets.map((bucket) => {
    firstInterval = skip(intervals, firstInterval, ({ toNs }) => toNs < bucket.fromNs)
    firstLeftOut = skip(leftOutNs, firstLeftOut, (timeNs) => timeNs < bucket.fromNs)
    const sum = emptySum()
    for (let at = firstInterval; at < intervals.length; at += 1) {
      // `at` is below the length.
      const interval = intervals[at]!
      if (interval.fromNs >= bucket.toNs) break
      addInterval(sum, interval, bucket)
    }
    const end = skip(leftOutNs, firstLeftOut, (timeNs) => timeNs < bucket.toNs)
    sum.intervals.excluded += end - firstLeftOut
    return sum
  })
}

function skip<T>(items: readonly T[], from: number, isBefore: (item: T) => boolean): number {
  let at = from
  for (let item = items[at]; item !== undefined && isBefore(item); item = items[at]) at += 1
  return at
}

/** A piece while it is added up: of a long series there are many, so no copies are made. */
type Sum = { -readonly [K in keyof Omit<HeatPiece, 'intervals'>]: HeatPiece[K] } & {
  readonly intervals: Record<IntervalKind, number>
}

function emptySum(): Sum {
  return { ...emptyHeatPiece(), intervals: { measured: 0, bridged: 0, missing: 0, excluded: 0 } }
}

function addInterval(sum: Sum, interval: HeatInterval, bucket: Span): void {
  const { kind, energyJ } = interval
  const { fromNs, toNs } = overlap(interval, bucket)
  if (toNs > fromNs) sum[TIME_OF[kind]] += toNs - fromNs
  // A shift, not a division: it rounds down before 1970 as well.
  const middleNs = (interval.fromNs + interval.toNs) >> 1n
  if (middleNs < bucket.fromNs || middleNs >= bucket.toNs) return
  sum.intervals[kind] += 1
  if (energyJ === null) return
  sum.energyJ = (sum.energyJ ?? 0n) + energyJ
  if (kind === 'bridged') sum.bridgedJ += energyJ
}

const TIME_OF = {
  measured: 'measuredNs',
  bridged: 'bridgedNs',
  missing: 'missingNs',
  excluded: 'excludedNs',
} as const satisfies Record<IntervalKind, keyof HeatPiece>

/** The sum of pieces of one measuring point: of hours to a day, of days to a year. */
export function mergeHeat(...pieces: readonly HeatPiece[]): HeatPiece {
  const sum = emptySum()
  for (const {
    energyJ,
    bridgedJ,
    measuredNs,
    bridgedNs,
    missingNs,
    excludedNs,
    intervals,
  } of pieces) {
    if (energyJ !== null) sum.energyJ = (sum.energyJ ?? 0n) + energyJ
    // Most of them are 0, and each sum is a new object.
    if (bridgedJ !== 0n) sum.bridgedJ += bridgedJ
    if (measuredNs !== 0n) sum.measuredNs += measuredNs
    if (bridgedNs !== 0n) sum.bridgedNs += bridgedNs
    if (missingNs !== 0n) sum.missingNs += missingNs
    if (excludedNs !== 0n) sum.excludedNs += excludedNs
    sum.intervals.measured += intervals.measured
    sum.intervals.bridged += intervals.bridged
    sum.intervals.missing += intervals.missing
    sum.intervals.excluded += intervals.excluded
  }
  return sum
}

/** A figure with less than this is labelled provisional (docs/domain.md 7.3). */
export const PROVISIONAL_BELOW = 0.95

export interface HeatFigures {
  /** Null where no register difference is known: missing is not zero. */
  readonly energyKwh: number | null
  /** The part of it that came out of gaps: its distribution in time is not known. */
  readonly bridgedKwh: number
  /** The energy is true within this: one register step for each unbroken run of the register. */
  readonly resolutionKwh: number | null
  /** Share of the time that measured intervals cover, 0..1. */
  readonly coverage: number
  readonly isProvisional: boolean
  /** `missing` counts one more where no interval covers some time, as before the first reading. */
  readonly intervals: Readonly<Record<IntervalKind, number>>
  readonly unit: 'kWh'
  readonly method: 'register difference'
}

/** A measuring point in one bucket. */
export interface PointPiece {
  readonly piece: HeatPiece
  readonly meter: RegisterMeter
  /** How long of the bucket it is expected to cover; the whole where it is left out. */
  readonly expectedNs?: bigint
}

/**
 * The result for one bucket, from the (merged) pieces of one or several measuring points. Energies
 * and resolutions are summed, for each meter rounds on its own; coverage is the mean over the
 * points, so one that is silent lowers it. Give points of one boundary only (`groupHeat`).
 */
export function heatFigures(points: readonly PointPiece[], bucket: Span): HeatFigures {
  const lengthNs = bucket.toNs - bucket.fromNs
  const pieces = points.map(({ piece }) => piece)
  const { energyJ, bridgedJ, measuredNs, intervals } = mergeHeat(...pieces)
  const timeNs = points.reduce((sum, { expectedNs = lengthNs }) => sum + expectedNs, 0n)
  const coverage = timeNs > 0n ? Number(measuredNs) / Number(timeNs) : 0
  const open = points.filter((one) => !isCovered(one.piece, one.expectedNs ?? lengthNs)).length
  return {
    energyKwh: energyJ === null ? null : kwhOfJoules(energyJ),
    bridgedKwh: kwhOfJoules(bridgedJ),
    resolutionKwh: energyJ === null ? null : kwhOfJoules(resolutionJ(points)),
    coverage,
    isProvisional: coverage < PROVISIONAL_BELOW,
    intervals: { ...intervals, missing: intervals.missing + open },
    unit: 'kWh',
    method: 'register difference',
  }
}

function isCovered(piece: HeatPiece, lengthNs: bigint): boolean {
  const { measuredNs, bridgedNs, missingNs, excludedNs } = piece
  return measuredNs >= lengthNs || measuredNs + bridgedNs + missingNs + excludedNs >= lengthNs
}

/** Differences in one unbroken run of a register add up to one difference, true within a step. */
function resolutionJ(points: readonly PointPiece[]): bigint {
  let sumJ = 0n
  for (const { piece, meter } of points) {
    if (piece.energyJ === null) continue
    const stepJ = stepOf(meter)
    sumJ += piece.intervals.missing === 0 ? stepJ : stepJ * BigInt(piece.intervals.missing + 1)
  }
  return sumJ
}

/** A meter has one step for all the pieces of a long series. */
const steps = new WeakMap<RegisterMeter, bigint>()

function stepOf(meter: RegisterMeter): bigint {
  const known = steps.get(meter)
  if (known !== undefined) return known
  const stepJ = registerStepJ(meter)
  steps.set(meter, stepJ)
  return stepJ
}
