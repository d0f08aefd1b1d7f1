import { z } from 'zod'
import { KPIS } from '#lib/kpi/catalogue.ts'
import { reliability, reliabilityVerdict } from '#lib/kpi/network/reliability.ts'
import type { AvailabilityRow } from '#lib/telemetry/service.ts'
import type { Api } from '../api.ts'
import type { Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { Problem } from '../replies/problem.ts'
import { seriesSchema } from '../replies/schemas.ts'
import {
  serviceAnswer,
  serviceHead,
  serviceParameters,
  serviceQuestion,
} from '../replies/service-figures.ts'

/** Where nothing is said, a message is late after the loss threshold of docs/domain.md 5.1. */
const MAX_LATENCY_MS = 3000
const LONGEST_MS = 86_400_000

const METHODS = {
  rtt: 'round trip by the clock of the probe',
  uplink: 'one way, the device time corrected by its measured clock offset',
  relative:
    'one way by a device clock of unknown offset: later than the fastest message of the span, ' +
    'so the true delay is longer by the least one, and the availability at most this',
} as const satisfies Record<AvailabilityRow['method'], string>

const query = {
  ...serviceParameters,
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
}

/** Targets of docs/domain.md 5.2, each demonstrated by these messages or not. */
const TARGETS = { '99%': 0.99, '99.9%': 0.999, '99.99%': 0.9999, '99.999%': 0.99999 } as const
type Target = keyof typeof TARGETS
const TARGET_NAMES = Object.keys(TARGETS) as Target[]

const share = z.number().nullable()

const availabilitySchema = z.object({
  ...serviceHead,
  method: z
    .enum(['rtt', 'uplink', 'relative'])
    .describe(Object.entries(METHODS).map(pair).join('; ')),
  availability: share.describe(KPIS.availability.description),
  observedMs: z.number(),
  downMs: z.number(),
  outages: z.number(),
  longestOutageMs: z.number(),
  n: z.number().describe('Messages sent, the lost ones too.'),
  late: z.number(),
  lost: z.number().nullable().describe('By sequence numbers; null where there are none.'),
  failures: z.number().describe('Late and lost.'),
  reliability: share.describe(KPIS.reliability.description),
  reliabilityLower95: z.number().describe('The true share is above this with 95 % confidence.'),
  demonstrated: z.string().describe('The highest target that is proven, else not demonstrated.'),
  clockBoundMs: z.number().nullable().describe('Largest clock error of a delay.'),
})

const series = seriesSchema(availabilitySchema)
const answer = series.extend({
  meta: series.shape.meta.extend({
    maxLatencyMs: z.number(),
    survivalMs: z.number(),
    method: z.record(z.string(), z.string()).describe('What each method of a row means.'),
  }),
})

const FIGURES: Columns<AvailabilityRow> = {
  method: (row) => row.method,
  availability: (row) => row.availability,
  observedMs: (row) => row.observedMs,
  downMs: (row) => row.downMs,
  outages: (row) => row.outages,
  longestOutageMs: (row) => row.longestOutageMs,
  n: (row) => row.n,
  late: (row) => row.late,
  lost: (row) => row.lost,
  failures: (row) => failuresOf(row),
  reliability: (row) => provenOf(row).observed,
  reliabilityLower95: (row) => provenOf(row).lower95,
  demonstrated: (row) => demonstratedOf(row),
  clockBoundMs: (row) => row.clockBoundMs,
}

export function addAvailability(add: Add, api: Api): void {
  add({
    method: 'GET',
    url: '/kpi/availability',
    permission: 'network:read',
    tag: 'network',
    summary: 'Share of the time in which messages came in time, and what their number proves',
    query,
    answer,
    isList: true,
    async handle(ask) {
      const { maxLatencyMs, survivalMs } = ask.query
      const question = serviceQuestion(api, ask, [maxLatencyMs, survivalMs])
      if (question instanceof Problem) return question
      const limits = { maxLatencyNs: nsOf(maxLatencyMs), survivalNs: nsOf(survivalMs) }
      const asked = { ...question.query, ...limits }
      const found = await api.port.ask('availability', asked, ask.signal)
      return serviceAnswer(
        api,
        ask,
        { ...question, found },
        {
          unit: { availability: '1', reliability: '1', observedMs: 'ms', downMs: 'ms' },
          aggregation: 'per device, channel and method, over all its messages of the span',
          figures: FIGURES,
          meta: { maxLatencyMs, survivalMs, method: METHODS },
        },
      )
    },
  })
}

function pair([name, text]: readonly [string, string]): string {
  return `${name}: ${text}`
}

function nsOf(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6))
}

function failuresOf({ late, lost }: AvailabilityRow): number {
  return late + (lost ?? 0)
}

function provenOf(row: AvailabilityRow) {
  return reliability(row.n, failuresOf(row))
}

function demonstratedOf(row: AvailabilityRow): string {
  const proven = provenOf(row)
  const reached = TARGET_NAMES.filter(
    (name) => reliabilityVerdict(proven, TARGETS[name]) === 'demonstrated',
  )
  return reached.at(-1) ?? 'not demonstrated'
}
