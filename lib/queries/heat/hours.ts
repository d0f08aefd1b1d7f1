import { HOUR_NS, ceilTo, floorTo } from '#lib/telemetry/time-grid.ts'
import { heatPieces, type HeatPiece } from '#lib/kpi/heat/recovered-heat.ts'
import type { HeatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { isNotable } from './findings.ts'

/** Whole hours of one meter that later readings leave as they are. */
export interface KnownHours extends Span {
  /** The settings its register is read by: other settings give other heat. */
  readonly rules: string
  /** One for each hour. */
  readonly pieces: readonly HeatPiece[]
  /** What a person should look at, in these hours and around them. */
  readonly notable: HeatIntervals
}

export interface Found {
  readonly span: Span
  readonly intervals: HeatIntervals
  /** `now()` as it was before they were read. */
  readonly asOf: number
  /** Up to where it is final. */
  readonly finalNs: bigint
}

/** Of all meters together: some 40 MB. */
const MAX_HOURS = 150_000

/** Readings that must follow an hour. The rules look at three (`LEVEL_READINGS`). */
const FINAL_AFTER = 16

/** Up to where later readings change nothing; null where there are too few to tell. */
export function finalUpTo(times: readonly { readonly timeNs: bigint }[]): bigint | null {
  const last = times.at(-FINAL_AFTER)
  return last ? floorTo(last.timeNs, HOUR_NS) : null
}

/**
 * Heat per meter and hour, kept in memory, so that a month is scanned once and not for each query.
 * An hour is final when so many readings follow it that no later one changes how its registers are
 * judged. A late reading among these hours makes the meter be scanned again.
 */
export class HeatHours {
  readonly #maxHours: number
  readonly #known = new Map<FullId, KnownHours>()
  /** When the last reading of each meter was stored. */
  readonly #storedAt = new Map<FullId, number>()
  #moment = 0
  #hours = 0

  constructor(maxHours = MAX_HOURS) {
    this.#maxHours = maxHours
  }

  of(device: FullId, rules: string): KnownHours | null {
    const found = this.#known.get(device)
    return found?.rules === rules ? found : null
  }

  /** A moment: what is read from the store after it holds everything stored before it. */
  now(): number {
    return this.#moment
  }

  /** Takes the final hours of `span` from intervals of all its readings, unless more came since. */
  learn(device: FullId, rules: string, found: Found): void {
    if ((this.#storedAt.get(device) ?? 0) > found.asOf) return
    const next = withFinalHours(this.#known.get(device), rules, found)
    if (!next) return
    this.#forget(device)
    if (this.#hours + next.pieces.length > this.#maxHours) this.clear()
    if (next.pieces.length > this.#maxHours) return
    this.#hours += next.pieces.length
    this.#known.set(device, next)
  }

  /** Readings that were just stored. */
  stored(readings: readonly Reading[]): void {
    this.#moment += 1
    for (const { device, kind, timeNs } of readings) {
      if (KINDS[kind].retention !== 'metering') continue
      this.#storedAt.set(device, this.#moment)
      const hit = this.#known.get(device)
      if (hit && timeNs < hit.toNs) this.#forget(device)
    }
  }

  /** Rows have come or gone otherwise. */
  clear(): void {
    this.#moment += 1
    for (const device of this.#known.keys()) this.#storedAt.set(device, this.#moment)
    this.#known.clear()
    this.#hours = 0
  }

  #forget(device: FullId): void {
    this.#hours -= this.#known.get(device)?.pieces.length ?? 0
    this.#known.delete(device)
  }
}

/** The known hours of a meter with those that were found; null when nothing is gained. */
function withFinalHours(
  before: KnownHours | undefined,
  rules: string,
  { span, intervals, finalNs }: Found,
): KnownHours | null {
  const goesOn = before?.rules === rules && ceilTo(span.fromNs, HOUR_NS) <= before.toNs
  const isLonger = !goesOn || span.fromNs < before.fromNs
  const fromNs = isLonger ? ceilTo(span.fromNs, HOUR_NS) : before.toNs
  const endNs = floorTo(span.toNs, HOUR_NS)
  const toNs = endNs < finalNs ? endNs : finalNs
  if (toNs <= fromNs || (isLonger && goesOn && toNs < before.toNs)) return null
  const fresh = heatPieces(intervals, hoursOf({ fromNs, toNs }))
  const notable = notableOf(intervals, { fromNs, toNs })
  if (isLonger) return { rules, fromNs, toNs, pieces: fresh, notable }
  return {
    ...before,
    toNs,
    pieces: [...before.pieces, ...fresh],
    notable: mergeNotable(before.notable, notable),
  }
}

export function hoursOf({ fromNs, toNs }: Span): Span[] {
  const spans: Span[] = []
  for (let at = fromNs; at < toNs; at += HOUR_NS) spans.push({ fromNs: at, toNs: at + HOUR_NS })
  return spans
}

function notableOf({ intervals, findings }: HeatIntervals, { fromNs, toNs }: Span): HeatIntervals {
  return {
    intervals: intervals.filter((one) => isNotable(one) && one.fromNs < toNs && one.toNs >= fromNs),
    findings: findings.filter(({ timeNs }) => timeNs < toNs && timeNs >= fromNs),
  }
}

/** Findings of two spans that may overlap, each once. */
export function mergeNotable(a: HeatIntervals, b: HeatIntervals): HeatIntervals {
  const interval = (one: HeatIntervals['intervals'][number]) =>
    `${one.reason} ${one.fromNs} ${one.toNs}`
  const finding = (one: HeatIntervals['findings'][number]) =>
    `${one.flag} ${one.timeNs} ${one.energyKwh} ${one.meterId}`
  return {
    intervals: onlyOnce([...a.intervals, ...b.intervals], interval),
    findings: onlyOnce([...a.findings, ...b.findings], finding),
  }
}

function onlyOnce<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [keyOf(item), item])).values()]
}
