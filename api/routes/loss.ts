import { z } from 'zod'
import type { LossRow } from '#lib/telemetry/questions.ts'
import type { Api } from '../api.ts'
import type { Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { figureAnswer, figureHead, figureParameters, figureQuestion } from '../replies/figures.ts'
import { Problem } from '../replies/problem.ts'
import { seriesSchema } from '../replies/schemas.ts'

const lossSchema = z.object({
  ...figureHead,
  expected: z.number().describe('By the sequence numbers.'),
  received: z.number(),
  lost: z.number(),
  lossRatio: z.number().nullable().describe('Null where nothing was expected.'),
  restarts: z.number().describe('Sequences that began again.'),
})

const FIGURES: Columns<LossRow> = {
  expected: (row) => row.expected,
  received: (row) => row.received,
  lost: (row) => row.lost,
  lossRatio: (row) => row.lossRatio,
  restarts: (row) => row.restarts,
}

export function addLoss(add: Add, api: Api): void {
  add({
    method: 'GET',
    url: '/kpi/loss',
    permission: 'network:read',
    tag: 'network',
    summary: 'Messages that never came, from gaps in the sequence numbers',
    query: figureParameters,
    answer: seriesSchema(lossSchema),
    isList: true,
    async handle(ask) {
      const question = figureQuestion(api, ask)
      if (question instanceof Problem) return question
      const rows = await api.port.ask('loss', question.query, ask.signal)
      return figureAnswer(
        api,
        ask,
        { ...question, rows },
        {
          unit: { expected: '1', received: '1', lost: '1', lossRatio: '1', restarts: '1' },
          aggregation: 'sums per group and interval',
          figures: FIGURES,
        },
      )
    },
  })
}
