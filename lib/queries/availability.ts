import { z } from 'zod'
import { availability as availabilityOf } from '#lib/kpi/network/availability.ts'
import { KPIS } from '#lib/kpi/catalogue.ts'
import { spanMs } from '#lib/kpi/network/latency.ts'
import { reliability, reliabilityVerdict } from '#lib/kpi/network/reliability.ts'
import { serviceOf } from '#lib/kpi/network/service-series.ts'
import {
  NO_COVERAGE,
  channelColumns,
  channelDeclaration,
  channelKey,
  channelParameters,
  eachChannel,
  type ChannelQuery,
} from './channel-figure.ts'
import { count, measure, optionalMeasure } from './columns.ts'
import { defineQuery } from './query.ts'

/** A message is late after the loss threshold of docs/domain.md 5.1 unless the query says otherwise. */
const MAX_LATENCY_MS = 3000
const LONGEST_MS = 86_400_000

const METHODS = {
  rtt: 'round trip by the clock of the probe',
  uplink: 'one way, the device time corrected by its measured clock offset',
  relative:
    'one way by a device clock of unknown offset: later than the fastest message of the span, ' +
    'so the true delay is longer by the least one, and the availability at most this',
} as const
const METHOD_NAMES = Object.keys(METHODS) as (keyof typeof METHODS)[]

/** Targets of docs/domain.md 5.2, each demonstrated by these messages or not. */
const TARGETS = { '99%': 0.99, '99.9%': 0.999, '99.99%': 0.9999, '99.999%': 0.99999 } as const

interface AvailabilityQuery extends ChannelQuery {
  readonly maxLatencyMs: number
  readonly survivalMs: number
}

/** The service of one device and channel (docs/domain.md 5.1), and what its messages prove. */
export const availability = defineQuery({
  ...channelDeclaration,
  path: '/kpi/availability',
  summary: 'Share of the time in which messages came in time, and what their number proves',
  parameters: {
    ...channelParameters,
    maxLatencyMs: z.coerce
      .number()
      .positive()
      .max(LONGEST_MS)
      .default(MAX_LATENCY_MS)
      .describe('L: a message later than this is late.'),
    survivalMs: z.coerce
      .number()
      .min(0)
      .max(LONGEST_MS)
      .default(0)
      .describe('S: how long the application goes on without an expected message.'),
  },
  row: z.object({
    ...channelColumns,
    method: z.enum(METHOD_NAMES).describe(METHOD_NAMES.map(sentenceOf).join('; ')),
    availability: optionalMeasure('1', KPIS.availability.description),
    observedMs: measure('ms'),
    downMs: measure('ms'),
    outages: count(),
    longestOutageMs: measure('ms'),
    n: count('Messages sent, the lost ones too.'),
    late: count(),
    lost: count('By sequence numbers; null where there are none.').nullable(),
    failures: count('Late and lost.'),
    reliability: optionalMeasure('1', KPIS.reliability.description),
    reliabilityLower95: measure('1', 'The true share is above this with 95 % confidence.'),
    demonstrated: z.string().describe('The highest target that is proven, else not demonstrated.'),
    clockBoundMs: optionalMeasure('ms', 'Largest clock error of a delay.'),
  }),
  toQuery: ({ maxLatencyMs, survivalMs }, { scope, fromNs, toNs }): AvailabilityQuery => {
    return { scope, fromNs, toNs, maxLatencyMs, survivalMs }
  },
  key: (row) => channelKey(row, row.method),
  identity: ({ maxLatencyMs, survivalMs }) => [maxLatencyMs, survivalMs],
  series: {
    aggregation: () => 'per device, channel and method, over all its messages of the span',
    ...NO_COVERAGE,
  },
  extra: {
    schema: z.object({
      maxLatencyMs: z.number(),
      survivalMs: z.number(),
      method: z.record(z.string(), z.string()).describe('What each method of a row means.'),
    }),
    of: (_, { maxLatencyMs, survivalMs }) => ({ maxLatencyMs, survivalMs, method: METHODS }),
  },
  answer(context, query) {
    const limits = { latencyNs: nsOf(query.maxLatencyMs), survivalNs: nsOf(query.survivalMs) }
    return eachChannel(context, query, (place, service) => {
      const { method, messages, lostAtEnds, clockBoundMs } = serviceOf(service)
      const figures = availabilityOf(messages, limits)
      const n = figures.n + lostAtEnds
      const lost = service.hasNumbers ? figures.lost + lostAtEnds : null
      const failures = figures.late + (lost ?? 0)
      const proven = reliability(n, failures)
      return {
        ...place,
        method,
        availability: figures.availability,
        observedMs: spanMs(figures.observedNs),
        downMs: spanMs(figures.downNs),
        outages: figures.outages,
        longestOutageMs: spanMs(figures.longestOutageNs),
        n,
        late: figures.late,
        lost,
        failures,
        reliability: proven.observed,
        reliabilityLower95: proven.lower95,
        demonstrated: highestTarget(proven),
        clockBoundMs,
      }
    })
  },
})

function sentenceOf(name: keyof typeof METHODS): string {
  return `${name}: ${METHODS[name]}`
}

function nsOf(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6))
}

function highestTarget(proven: ReturnType<typeof reliability>): string {
  const reached = Object.entries(TARGETS).filter(
    ([, target]) => reliabilityVerdict(proven, target) === 'demonstrated',
  )
  return reached.at(-1)?.[0] ?? 'not demonstrated'
}
