import { tenantOf } from '#lib/telemetry/ids.ts'
import { HOUR_NS, MINUTE_NS } from '#lib/telemetry/time-grid.ts'
import { COUNTS, type Keys } from '../../figure-keys.ts'
import type { Counts, StageSum } from './figure-sums.ts'
import { pointLine, type Point, type PointField } from '../write/line.ts'

/*
 * Figures are points of four measurements. Tags are what the registry bounds: tenant, device, kind,
 * stage and the node that made the figures; cell, operator and band are fields, for a device meets
 * any number of them. Points of one minute have times of their own within it: a time for each
 * flush (by the position it goes up to), and in it one for each combination of keys.
 */

export const STEPS = {
  minute: { counts: 'counts_minute', latency: 'latency_buckets_minute', ns: MINUTE_NS },
  hour: { counts: 'counts_hour', latency: 'latency_buckets_hour', ns: HOUR_NS },
} as const
export type Step = keyof typeof STEPS

/** Combinations of keys of one device and kind in one minute and flush. */
const COMBINATIONS = 1024n

export interface Figure {
  /** Start of the minute or hour. */
  readonly timeNs: bigint
  readonly keys: Keys
  readonly counts: Counts
  readonly stages: ReadonlyMap<string, StageSum>
}

export interface FigureSource {
  readonly step: Step
  /** Names the journal, so that several intakes keep apart. */
  readonly node: string
  /** Position that the figures go up to. */
  readonly upTo: number
  /** Slot of the flush within the step; 0 is that of a whole hour, which is written again. */
  readonly slot: number
}

/** The node of a journal: enough of its UUID to distinguish a few intakes. */
export function nodeOf(journal: string): string {
  return journal.slice(0, 8)
}

export function figureLines(figures: Iterable<Figure>, source: FigureSource): string[] {
  const lines: string[] = []
  const ordinals = new Map<string, bigint>()
  for (const { timeNs, keys, counts, stages } of figures) {
    const device = keys[0] ?? ''
    const tags = { device, kind: keys[1] ?? '', node: source.node, tenant: tenantOf(device) }
    const common = { ...keyFields(keys), upto: BigInt(source.upTo) }
    // An hour is written again: what has become nothing must be written over too.
    if (source.step === 'hour' || COUNTS.some((name) => counts[name] !== 0)) {
      add('counts', { tags, fields: { ...common, ...integers(counts) } }, timeNs)
    }
    for (const [stage, sum] of stages) {
      add(
        'latency',
        { tags: { ...tags, stage }, fields: { ...common, ...stageFields(sum) } },
        timeNs,
      )
    }
  }
  return lines

  /** Points of one series and step follow each other. */
  function add(of: 'counts' | 'latency', { tags, fields }: Content, stepNs: bigint): void {
    const series = `${of} ${stepNs} ${Object.values(tags).join(' ')}`
    const ordinal = ordinals.get(series) ?? 0n
    ordinals.set(series, ordinal + 1n)
    const { [of]: measurement, ns } = STEPS[source.step]
    const offset = (BigInt(source.slot) * COMBINATIONS + ordinal) % ns
    lines.push(pointLine({ measurement, tags, fields, timeNs: stepNs + offset }))
  }
}

type Content = Pick<Point, 'tags' | 'fields'>

function keyFields([, , rat, cell, operator, band]: Keys): Record<string, PointField> {
  const fields: Record<string, PointField> = {}
  for (const [name, value] of Object.entries({ rat, cell, operator, band })) {
    if (value !== null && value !== undefined) fields[name] = value
  }
  return fields
}

function integers(counts: Counts): Record<string, bigint> {
  return Object.fromEntries(COUNTS.map((name) => [name, BigInt(counts[name])]))
}

function stageFields({
  n,
  negative,
  maxMs,
  boundMs,
  late,
  buckets,
}: StageSum): Record<string, PointField> {
  return {
    n: BigInt(n),
    negative: BigInt(negative),
    late: BigInt(late),
    maxMs,
    ...(boundMs === null ? {} : { boundMs }),
    buckets: bucketText(buckets),
  }
}

/** `bucket:n` pairs in order. */
function bucketText(buckets: ReadonlyMap<number, number>): string {
  return [...buckets]
    .toSorted(([a], [b]) => a - b)
    .map(([bucket, n]) => `${bucket}:${n}`)
    .join(' ')
}

export function bucketsIn(text: string): Map<number, number> {
  const buckets = new Map<number, number>()
  for (const pair of text.split(' ')) {
    const colon = pair.indexOf(':')
    if (colon > 0) buckets.set(Number(pair.slice(0, colon)), Number(pair.slice(colon + 1)))
  }
  return buckets
}
