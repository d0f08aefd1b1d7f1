import { tenantOf, type FullId } from '#lib/telemetry/ids.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import type { Point } from '#lib/store/influx/write/line.ts'
import { ALL_KEY } from './key-names.ts'
import { STEP_NS, startOf, type Context, type DerivedSeries } from './series.ts'

/**
 * Traffic per device and minute, as in `/kpi/throughput?by=device&every=1m`, and the counters
 * of `/delivery`. The counters are known of the present alone: they are written to the minute that
 * has just ended, and a minute that is computed again keeps those it had.
 */
export const deliveryMinute: DerivedSeries = {
  measurement: 'delivery_minute',
  keep: 'minute',
  recompute: { step: 'minute', points: trafficPoints },
  sample: { everyMs: 60_000, create: () => counterPoints },
}

async function trafficPoints({ fromNs, toNs }: Span, { rows }: Context): Promise<readonly Point[]> {
  const query = { scope: ALL, by: ['device'] as const, everyNs: STEP_NS.minute, fromNs, toNs }
  const traffic = await rows('throughput', query)
  return traffic.flatMap(({ group, time, messages, readings, bytes }) =>
    // The query has devices and intervals.
    pointsOf({ device: group.device ?? '' }, time ?? 0n, { messages, readings, bytes }),
  )
}

async function counterPoints(nowNs: bigint, { rows, ownTags }: Context): Promise<readonly Point[]> {
  const timeNs = startOf(nowNs, 'minute') - STEP_NS.minute
  const delivery = await rows('delivery', { scope: ALL })
  return delivery.flatMap(({ device, ...counters }) =>
    pointsOf({ device, ...ownTags }, timeNs, counters),
  )
}

function pointsOf(
  tags: Readonly<Record<'device', FullId>>,
  timeNs: bigint,
  counts: Readonly<Record<string, number | null>>,
): readonly Point[] {
  const known = Object.entries(counts).filter(
    (entry): entry is [string, number] => entry[1] !== null,
  )
  const fields = Object.fromEntries(known.map(([name, n]) => [name, BigInt(n)]))
  const { measurement } = deliveryMinute
  return [tenantOf(tags.device), ALL_KEY].map((tenant) => ({
    measurement,
    tags: { tenant, ...tags },
    fields,
    timeNs,
  }))
}
