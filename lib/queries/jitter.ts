import { z } from 'zod'
import { KPIS } from '#lib/kpi/catalogue.ts'
import { delayVariation } from '#lib/kpi/network/delay-variation.ts'
import { spanMs } from '#lib/kpi/network/latency.ts'
import type { Channel, Sent } from '#lib/kpi/network/service-series.ts'
import { percentile } from '#lib/kpi/percentile.ts'
import {
  NO_COVERAGE,
  channelColumns,
  channelDeclaration,
  channelKey,
  channelParameters,
  channelQuery,
  eachChannel,
} from './channel-figure.ts'
import { count, optionalMeasure } from './columns.ts'
import { LATE_VALUES } from './latency.ts'
import { defineQuery } from './query.ts'

/** How much the delay of one device and channel varies: free of any constant clock offset. */
export const jitter = defineQuery({
  ...channelDeclaration,
  path: '/kpi/jitter',
  summary: 'How much the delay varies: IPDV, PDV and RFC 3550 jitter',
  parameters: channelParameters,
  row: z.object({
    ...channelColumns,
    stage: z
      .enum(['rtt', 'age'])
      .describe(
        'rtt of probe readings; age of the others, whose constant clock error cancels out.',
      ),
    n: count(),
    ipdvN: count('Pairs of consecutive messages; none across a lost one.'),
    ipdvMeanMs: optionalMeasure('ms', `Mean size. ${KPIS.ipdv.description}`),
    ipdvP95Ms: optionalMeasure('ms'),
    pdvP95Ms: optionalMeasure('ms', KPIS.pdv.description),
    pdvP999Ms: optionalMeasure('ms'),
    jitterMs: optionalMeasure('ms', `At the end of the span. ${KPIS.jitter.description}`),
    late: count(LATE_VALUES),
  }),
  toQuery: channelQuery,
  key: (row) => channelKey(row, row.stage),
  series: {
    aggregation: () => 'per device, channel and stage, over its messages in the order of sending',
    ...NO_COVERAGE,
  },
  answer: (context, query) =>
    eachChannel(context, query, (place, service) => {
      const delays = service.sent.map((row) => delayOf(row, service))
      const figures = delayVariation(delays)
      return {
        ...place,
        stage: service.isRtt ? ('rtt' as const) : ('age' as const),
        n: figures.n,
        ipdvN: figures.ipdvN,
        ipdvMeanMs: figures.meanAbsIpdvMs,
        ipdvP95Ms: percentile(stepsOf(delays), 95),
        pdvP95Ms: figures.pdvP95Ms,
        pdvP999Ms: figures.pdvP999Ms,
        jitterMs: figures.jitterMs,
        late: service.sent.filter((row, at) => row?.isLate && delays[at] !== null).length,
      }
    }),
})

/** Null where nothing can be said of it: it was lost, or came late with a time that is no delay. */
function delayOf(row: Sent, { isRtt }: Channel): number | null {
  if (row === null) return null
  if (isRtt) return row.rttMs
  return row.counts && row.timed ? spanMs(row.receivedAtNs - row.timeNs) : null
}

/** Sizes of the differences of consecutive delays, ms. */
function stepsOf(delays: readonly (number | null)[]): number[] {
  return delays.flatMap((delay, at) => {
    const before = delays[at - 1] ?? null
    return delay === null || before === null ? [] : [Math.abs(delay - before)]
  })
}
