import { setImmediate as breathe } from 'node:timers/promises'
import { availability } from '#lib/kpi/network/availability.ts'
import { delayVariation } from '#lib/kpi/network/delay-variation.ts'
import { spanMs } from '#lib/kpi/network/latency.ts'
import { percentile } from '#lib/kpi/percentile.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { DelaysScan } from '#lib/store/scans.ts'
import type { AvailabilityQuery, ServiceQuery } from '#lib/telemetry/questions.ts'
import {
  isTooMany,
  type AvailabilityRow,
  type DelayRow,
  type JitterRow,
  type TooMany,
} from '#lib/telemetry/service.ts'
import { channelsOf, serviceOf, type Channel, type Sent } from '#lib/kpi/network/service-series.ts'

export interface ServiceDeps {
  readonly delays: (
    query: DelaysScan,
    signal: AbortSignal,
  ) => Promise<readonly DelayRow[] | TooMany>
  /** Messages, with the lost ones, behind one answer at most. */
  readonly maxMessages?: number
}

/** These figures need each message: a day at 2 Hz of one device, an hour of fifty. */
const MAX_MESSAGES = 200_000

/** Availability of each device and channel in the span (docs/domain.md 5.1). */
export function answerAvailability(
  deps: ServiceDeps,
  query: AvailabilityQuery,
  signal: AbortSignal,
): Promise<readonly AvailabilityRow[] | TooMany> {
  const limits = { latencyNs: query.maxLatencyNs, survivalNs: query.survivalNs }
  return eachChannel({ deps, query, signal }, (place, series) => {
    const { method, messages, clockBoundMs } = serviceOf(series)
    const figures = availability(messages, limits)
    return {
      ...place,
      method,
      availability: figures.availability,
      observedMs: spanMs(figures.observedNs),
      downMs: spanMs(figures.downNs),
      outages: figures.outages,
      longestOutageMs: spanMs(figures.longestOutageNs),
      n: figures.n,
      late: figures.late,
      lost: series.hasNumbers ? figures.lost : null,
      clockBoundMs,
    }
  })
}

/** How the delay of each device and channel varies in the span (docs/domain.md 5.1). */
export function answerJitter(
  deps: ServiceDeps,
  query: ServiceQuery,
  signal: AbortSignal,
): Promise<readonly JitterRow[] | TooMany> {
  return eachChannel({ deps, query, signal }, (place, series) => {
    const delays = series.sent.map((row) => delayOf(row, series))
    const figures = delayVariation(delays)
    const steps = delays.flatMap((delay, at) => {
      const before = delays[at - 1] ?? null
      return delay === null || before === null ? [] : [Math.abs(delay - before)]
    })
    return {
      ...place,
      stage: series.isRtt ? 'rtt' : 'age',
      n: figures.n,
      ipdvN: figures.ipdvN,
      ipdvMeanMs: figures.meanAbsIpdvMs,
      ipdvP95Ms: percentile(steps, 95),
      pdvP95Ms: figures.pdvP95Ms,
      pdvP999Ms: figures.pdvP999Ms,
      jitterMs: figures.jitterMs,
    }
  })
}

/** Null where nothing can be said of it: it was lost, came late on purpose, or has no time. */
function delayOf(row: Sent, { isRtt }: Channel): number | null {
  if (!row?.counts) return null
  if (isRtt) return row.rttMs
  return row.timed ? spanMs(row.receivedAtNs - row.timeNs) : null
}

interface Place {
  readonly device: FullId
  readonly channel: string
}

interface Asked {
  readonly deps: ServiceDeps
  readonly query: ServiceQuery
  readonly signal: AbortSignal
}

async function eachChannel<T>(
  { deps, query, signal }: Asked,
  figure: (place: Place, series: Channel) => T,
): Promise<readonly T[] | TooMany> {
  const { maxMessages = MAX_MESSAGES } = deps
  const { scope, fromNs, toNs } = query
  const rows = await deps.delays({ scope, fromNs, toNs, maxRows: maxMessages }, signal)
  if (isTooMany(rows)) return rows
  const figures: T[] = []
  const places = Map.groupBy(rows, ({ device, channel }) => `${device} ${channel}`)
  for (const mine of places.values()) {
    const channels = channelsOf(mine, maxMessages)
    if (!channels) return { tooMany: true, limit: maxMessages }
    // A group has at least one row.
    const { device, channel } = mine[0]!
    for (const series of channels) figures.push(figure({ device, channel }, series))
    // The writer shares this thread: it takes its turn between two channels.
    await breathe()
    signal.throwIfAborted()
  }
  return figures
}
