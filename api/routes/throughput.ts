import { z } from 'zod'
import type { ThroughputRow } from '#lib/telemetry/questions.ts'
import type { Api } from '../api.ts'
import type { Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { figureAnswer, figureHead, figureParameters, figureQuestion } from '../replies/figures.ts'
import { Problem } from '../replies/problem.ts'
import { seriesSchema } from '../replies/schemas.ts'

const throughputSchema = z.object({
  ...figureHead,
  messages: z.number(),
  readings: z.number(),
  bytes: z.number().describe('Payload, without MQTT, TCP and IP headers.'),
  messagesPerS: z.number(),
  bytesPerS: z.number(),
})

const FIGURES: Columns<ThroughputRow> = {
  messages: (row) => row.messages,
  readings: (row) => row.readings,
  bytes: (row) => row.bytes,
  messagesPerS: (row) => row.messagesPerS,
  bytesPerS: (row) => row.bytesPerS,
}

export function addThroughput(add: Add, api: Api): void {
  add({
    method: 'GET',
    url: '/kpi/throughput',
    permission: 'network:read',
    tag: 'network',
    summary: 'Messages, readings and payload bytes, and their rates',
    query: figureParameters,
    answer: seriesSchema(throughputSchema),
    isList: true,
    async handle(ask) {
      const question = figureQuestion(api, ask)
      if (question instanceof Problem) return question
      const rows = await api.port.ask('throughput', question.query, ask.signal)
      return figureAnswer(
        api,
        ask,
        { ...question, rows },
        {
          unit: {
            messages: '1',
            readings: '1',
            bytes: 'By',
            messagesPerS: '1/s',
            bytesPerS: 'By/s',
          },
          aggregation: 'sums per group and interval, and their means per second',
          figures: FIGURES,
        },
      )
    },
  })
}
