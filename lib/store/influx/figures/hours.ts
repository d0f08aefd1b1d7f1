import { HOUR_NS } from '#lib/telemetry/time-grid.ts'
import { STEPS, bucketsIn, figureLines, nodeOf, type Figure } from './figure-lines.ts'
import { COUNTS, KEYS } from '../../figure-keys.ts'
import {
  addCounts,
  addStage,
  noCounts,
  noStage,
  type Counts,
  type StageSum,
} from './figure-sums.ts'
import { writeLines, type Flushing } from '../write/flush.ts'
import { identifier, isOneOf, literal } from '../client/influxql.ts'
import { pagesOf } from '../client/pages.ts'
import {
  numberIn,
  numberOrNull,
  ownRows,
  rowsOf,
  textIn,
  textOrNull,
  type Row,
} from '../scans/rows.ts'

/** Devices whose minutes are held at once: some ten thousand points. */
const DEVICES = 100

/**
 * Makes the hours that have ended of their minutes, as these are now. An hour that late readings
 * have changed is written again, to the same points: its combinations of keys only grow in number.
 * Goes on beside writing: an hour that changes meanwhile stays to be done.
 */
export async function rollHours(
  flushing: Flushing,
  nowNs: bigint,
  signal: AbortSignal,
): Promise<void> {
  const { local } = flushing
  const ended = [...local.dirtyHours.keys()].filter((hour) => BigInt(hour + 1) * HOUR_NS <= nowNs)
  if (ended.length === 0) return
  const devices = await devicesOf(flushing, signal)
  for (const hour of ended.toSorted((a, b) => a - b)) {
    const version = local.dirtyHours.get(hour)
    for (let from = 0; from < devices.length; from += DEVICES) {
      await rollHour(flushing, { hour, devices: devices.slice(from, from + DEVICES) }, signal)
    }
    if (local.dirtyHours.get(hour) === version) local.hourRolled(hour)
  }
}

async function devicesOf({ influx, journal }: Flushing, signal: AbortSignal): Promise<string[]> {
  const series = await influx.query(
    `SHOW TAG VALUES FROM ${identifier(STEPS.minute.counts)} WITH KEY = "device"
       WHERE ${isOfNode(journal)}`,
    signal,
  )
  return [...new Set(rowsOf(series).map((row) => textIn(row, 'value')))].toSorted()
}

const isOfNode = (journal: string) => `"node" = ${literal(nodeOf(journal))}`

interface Part {
  readonly hour: number
  readonly devices: readonly string[]
}

interface Sum {
  readonly keys: readonly (string | null)[]
  readonly counts: Counts
  readonly stages: Map<string, StageSum>
}

async function rollHour(flushing: Flushing, part: Part, signal: AbortSignal): Promise<void> {
  const sums = new Map<string, Sum>()
  for await (const row of minutesOf(flushing, part, { of: 'counts', signal })) {
    const [counts] = own(flushing, 'counts', row, () =>
      Object.fromEntries(COUNTS.map((name) => [name, numberOrNull(row, name) ?? 0])),
    )
    if (counts) addCounts(sumAt(sums, row).counts, counts)
  }
  for await (const row of minutesOf(flushing, part, { of: 'latency', signal })) {
    const [found] = own(flushing, 'latency', row, () => ({
      stage: textIn(row, 'stage'),
      sum: stageSumIn(row),
    }))
    if (!found) continue
    const { stages } = sumAt(sums, row)
    const sum = stages.get(found.stage) ?? noStage()
    stages.set(found.stage, sum)
    addStage(sum, found.sum)
  }
  const timeNs = BigInt(part.hour) * HOUR_NS
  const figures: Figure[] = [...sums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, sum]) => ({ timeNs, ...sum }))
  const { influx, local, journal } = flushing
  const source = { step: 'hour', node: nodeOf(journal), upTo: local.rolled, slot: 0 } as const
  await writeLines(influx, figureLines(figures, source), signal)
}

function own<T>({ influx }: Flushing, of: 'counts' | 'latency', row: Row, decode: () => T): T[] {
  return ownRows(influx, { measurement: STEPS.minute[of], rows: [row] }, decode)
}

export function stageSumIn(row: Row): StageSum {
  return {
    n: numberIn(row, 'n'),
    negative: numberIn(row, 'negative'),
    maxMs: numberIn(row, 'maxMs'),
    boundMs: numberOrNull(row, 'boundMs'),
    // An earlier version left late round trips out, and wrote no number of them.
    late: numberOrNull(row, 'late') ?? 0,
    buckets: bucketsIn(textIn(row, 'buckets')),
  }
}

async function* minutesOf(
  { influx, journal }: Flushing,
  { hour, devices }: Part,
  { of, signal }: { readonly of: 'counts' | 'latency'; readonly signal: AbortSignal },
): AsyncGenerator<Row> {
  const some = isOneOf('device', devices)
  if (some === null) return
  const fromNs = BigInt(hour) * HOUR_NS
  const selection = {
    measurement: STEPS.minute[of],
    columns: '*',
    span: { fromNs, toNs: fromNs + HOUR_NS },
    where: [isOfNode(journal), some],
  }
  for await (const rows of pagesOf(influx, selection, signal)) yield* rows
}

function sumAt(sums: Map<string, Sum>, row: Row): Sum {
  const keys = KEYS.map((name) => textOrNull(row, name))
  const key = JSON.stringify(keys)
  const found = sums.get(key)
  if (found) return found
  const fresh = { keys, counts: noCounts(), stages: new Map<string, StageSum>() }
  sums.set(key, fresh)
  return fresh
}
