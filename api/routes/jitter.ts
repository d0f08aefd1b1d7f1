import { z } from 'zod'
import { KPIS } from '#lib/kpi/catalogue.ts'
import type { JitterRow } from '#lib/telemetry/service.ts'
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

const ms = z.number().nullable()

const jitterSchema = z.object({
  ...serviceHead,
  stage: z
    .enum(['rtt', 'age'])
    .describe('rtt of probe readings; age of the others, whose constant clock error cancels out.'),
  n: z.number(),
  ipdvN: z.number().describe('Pairs of consecutive messages; none across a lost one.'),
  ipdvMeanMs: ms.describe(`Mean size. ${KPIS.ipdv.description}`),
  ipdvP95Ms: ms,
  pdvP95Ms: ms.describe(KPIS.pdv.description),
  pdvP999Ms: ms,
  jitterMs: ms.describe(`At the end of the span. ${KPIS.jitter.description}`),
})

const FIGURES: Columns<JitterRow> = {
  stage: (row) => row.stage,
  n: (row) => row.n,
  ipdvN: (row) => row.ipdvN,
  ipdvMeanMs: (row) => row.ipdvMeanMs,
  ipdvP95Ms: (row) => row.ipdvP95Ms,
  pdvP95Ms: (row) => row.pdvP95Ms,
  pdvP999Ms: (row) => row.pdvP999Ms,
  jitterMs: (row) => row.jitterMs,
}

const UNIT = Object.fromEntries(
  ['ipdvMeanMs', 'ipdvP95Ms', 'pdvP95Ms', 'pdvP999Ms', 'jitterMs'].map((name) => [name, 'ms']),
)

export function addJitter(add: Add, api: Api): void {
  add({
    method: 'GET',
    url: '/kpi/jitter',
    permission: 'network:read',
    tag: 'network',
    summary: 'How much the delay varies: IPDV, PDV and RFC 3550 jitter',
    query: serviceParameters,
    answer: seriesSchema(jitterSchema),
    isList: true,
    async handle(ask) {
      const question = serviceQuestion(api, ask)
      if (question instanceof Problem) return question
      const found = await api.port.ask('jitter', question.query, ask.signal)
      return serviceAnswer(
        api,
        ask,
        { ...question, found },
        {
          unit: UNIT,
          aggregation: 'per device, channel and stage, over its messages in the order of sending',
          figures: FIGURES,
        },
      )
    },
  })
}
