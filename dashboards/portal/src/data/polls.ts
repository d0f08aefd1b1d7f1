import type { ApiClient, Parameters } from '../api/api-client.ts'
import type { Outcome } from '../api/outcome.ts'
import type { PlatformClock } from '../api/platform-clock.ts'
import type {
  AggregatedReading,
  Delivery,
  Device,
  Heat,
  Latency,
  List,
  Reading,
  Rejection,
  Series,
  Site,
  Throughput,
} from '../api/rows.ts'
import type { Point } from './point.ts'
import { createPoll, type Poll } from './poll.ts'
import { DAY_MS, isoOf, SPAN_MS, startOfDayMs, type SpanName } from './spans.ts'
import { trailPoints } from './trail-points.ts'

export const HEAT_SPANS = ['today', '7d', '30d'] as const
export type HeatSpan = (typeof HEAT_SPANS)[number]
export type HeatBoundary = 'delivered' | 'handoff'
type HeatPolls = Readonly<Record<HeatSpan, Poll<Series<Heat>>>>

/** Every query that the pages repeat. */
export interface Polls {
  readonly lastValues: Poll<List<Reading>>
  readonly delivery: Poll<List<Delivery>>
  readonly devices: Poll<List<Device>>
  readonly sites: Poll<List<Site>>
  readonly rejections: Poll<List<Rejection>>
  readonly throughput: Poll<Series<Throughput>>
  readonly latencyByRat: Readonly<Record<SpanName, Poll<Series<Latency>>>>
  readonly latencyByDevice: Poll<Series<Latency>>
  readonly heat: Readonly<Record<HeatBoundary, HeatPolls>>
  readonly meterHours: Poll<List<AggregatedReading>>
  readonly trails: Poll<readonly Point[]>
}

/** Told of every good result, besides those who poll. */
export interface PollListeners {
  readonly lastValues: (rows: readonly Reading[]) => void
  readonly delivery: (rows: readonly Delivery[]) => void
}

const LIST_LIMIT = 10_000
const REJECTIONS_SHOWN = 30
const S = 1000

interface PollSource {
  /** A poll of a query, its parameters computed at each request. */
  readonly poll: <T>(path: string, everyMs: number, parameters: () => Parameters) => Poll<T>
  /** A poll of a whole list, with the rows of every good result handed to a listener. */
  readonly observe: <T>(
    path: string,
    everyMs: number,
    listener: (rows: readonly T[]) => void,
  ) => Poll<List<T>>
  readonly nowMs: () => number
}

export function createPolls(
  client: ApiClient,
  clock: PlatformClock,
  listeners: PollListeners,
): Polls {
  const source: PollSource = {
    poll: (path, everyMs, parameters) =>
      createPoll({ path, everyMs, load: () => client.get(path, parameters()) }),
    observe: (path, everyMs, listener) =>
      createPoll({
        path,
        everyMs,
        load: async () => observed(await client.get(path, { limit: LIST_LIMIT }), listener),
      }),
    nowMs: () => clock.nowMs(),
  }
  return {
    ...listPolls(source, listeners),
    ...networkPolls(source),
    heat: {
      delivered: heatPolls(source, { boundary: 'delivered', by: 'town' }),
      handoff: heatPolls(source, { boundary: 'handoff', by: 'dataCentre' }),
    },
    meterHours: meterHours(source),
    trails: trails(client, source),
  }
}

function observed<T>(
  outcome: Outcome<List<T>>,
  listener: (rows: readonly T[]) => void,
): Outcome<List<T>> {
  if (outcome.ok) listener(outcome.value.data)
  return outcome
}

function listPolls({ poll, observe }: PollSource, listeners: PollListeners) {
  const whole = () => ({ limit: LIST_LIMIT })
  return {
    lastValues: observe<Reading>('/last-values', 5 * S, listeners.lastValues),
    delivery: observe<Delivery>('/delivery', 3 * S, listeners.delivery),
    devices: poll<List<Device>>('/devices', 60 * S, whole),
    sites: poll<List<Site>>('/sites', 120 * S, whole),
    rejections: poll<List<Rejection>>('/rejections', 5 * S, () => ({
      order: 'desc',
      limit: REJECTIONS_SHOWN,
    })),
  }
}

function networkPolls({ poll, nowMs }: PollSource) {
  const byRat = (span: SpanName) =>
    poll<Series<Latency>>('/kpi/latency', 10 * S, () => ({
      by: 'rat',
      from: isoOf(nowMs() - SPAN_MS[span]),
      stage: 'rtt,uplink,age',
    }))
  return {
    latencyByRat: { '15m': byRat('15m'), '1h': byRat('1h'), '24h': byRat('24h') },
    latencyByDevice: poll<Series<Latency>>('/kpi/latency', 10 * S, () => ({
      by: 'device',
      from: isoOf(nowMs() - SPAN_MS['15m']),
      // Spans are of device time: readings of a clock that is ahead lie after now.
      to: isoOf(nowMs() + SPAN_MS['1h']),
      stage: 'uplink,age',
      limit: LIST_LIMIT,
    })),
    throughput: poll<Series<Throughput>>('/kpi/throughput', 10 * S, () => ({
      every: '1m',
      from: isoOf(nowMs() - 2 * SPAN_MS['1h']),
      limit: LIST_LIMIT,
    })),
  }
}

interface HeatRows {
  readonly boundary: HeatBoundary
  readonly by: string
}

function heatPolls({ poll, nowMs }: PollSource, rows: HeatRows): HeatPolls {
  const from = (everyMs: number, fromMs: () => number) =>
    poll<Series<Heat>>('/heat/recovered', everyMs, () => ({ ...rows, from: isoOf(fromMs()) }))
  return {
    today: from(20 * S, () => startOfDayMs(nowMs())),
    '7d': from(60 * S, () => nowMs() - 7 * DAY_MS),
    '30d': from(120 * S, () => nowMs() - 30 * DAY_MS),
  }
}

function meterHours({ poll, nowMs }: PollSource): Poll<List<AggregatedReading>> {
  return poll('/readings', 120 * S, () => ({
    kind: 'heat_meter',
    every: '1h',
    fields: 'energyKwh,meterId',
    from: isoOf(nowMs() - 7 * DAY_MS),
    limit: LIST_LIMIT,
  }))
}

function trails(client: ApiClient, { nowMs }: PollSource): Poll<readonly Point[]> {
  const path = '/readings'
  return createPoll({
    path,
    everyMs: 60 * S,
    load: async () =>
      trailPoints(
        await client.get<List<AggregatedReading>>(path, {
          kind: 'truck',
          every: '1m',
          fields: 'lat,lon',
          from: isoOf(nowMs() - 2 * SPAN_MS['1h']),
          limit: LIST_LIMIT,
        }),
      ),
  })
}
