import { z } from 'zod'
import { KPIS } from '#lib/kpi/catalogue.ts'
import { STAGES, type LatencyRow, type Stage } from '#lib/telemetry/questions.ts'
import type { Api } from '../api.ts'
import type { Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { figureAnswer, figureHead, figureParameters, figureQuestion } from '../replies/figures.ts'
import { wordsParameter } from '../parameters/parameters.ts'
import { Problem } from '../replies/problem.ts'
import { seriesSchema } from '../replies/schemas.ts'

const stageSentences = STAGES.map((stage) => `${stage}: ${KPIS[stage].description}`).join(' ')

const ms = z.number().nullable()

const latencySchema = z.object({
  ...figureHead,
  stage: z.enum(STAGES).describe(stageSentences),
  n: z.number(),
  p50Ms: ms,
  p95Ms: ms,
  p99Ms: ms,
  maxMs: ms,
  clockBoundMs: ms.describe('True within this; null where no clock is involved.'),
  negative: z.number().describe('Values below zero: a clock is wrong.'),
  method: z.enum(['exact', 'histogram']),
  relError: z.number().describe('Largest relative error of the percentiles.'),
})

const FIGURES: Columns<LatencyRow> = {
  stage: (row) => row.stage,
  n: (row) => row.n,
  p50Ms: (row) => row.p50Ms,
  p95Ms: (row) => row.p95Ms,
  p99Ms: (row) => row.p99Ms,
  maxMs: (row) => row.maxMs,
  clockBoundMs: (row) => row.clockBoundMs,
  negative: (row) => row.negative,
  method: (row) => row.method,
  relError: (row) => row.relError,
}

export function addLatency(add: Add, api: Api): void {
  add({
    method: 'GET',
    url: '/kpi/latency',
    permission: 'network:read',
    tag: 'network',
    summary: 'Latency by stage: percentiles, with the error of the clocks',
    query: { ...figureParameters, stage: wordsParameter(STAGES, 'Only these stages') },
    answer: seriesSchema(latencySchema),
    isList: true,
    async handle(ask) {
      const question = figureQuestion(api, ask)
      if (question instanceof Problem) return question
      const stages = ask.query.stage ?? STAGES
      const found = await api.port.ask('latency', { ...question.query, stages }, ask.signal)
      const rows = stages.includes('uplink') ? withUplink(found) : found
      return figureAnswer(
        api,
        ask,
        { ...question, rows },
        {
          unit: { p50Ms: 'ms', p95Ms: 'ms', p99Ms: 'ms', maxMs: 'ms', clockBoundMs: 'ms' },
          aggregation: 'percentiles per group, stage and interval; never of percentiles',
          figures: FIGURES,
          detail: ({ stage }) => String(STAGES.indexOf(stage)),
        },
      )
    },
  })
}

/**
 * Where a device's own clock was all there was, the one-way delay is shown as unknown beside the
 * age, so that nobody takes the one for the other.
 */
function withUplink(rows: readonly LatencyRow[]): readonly LatencyRow[] {
  const known = rows.map((row) => (hasNoBound(row) ? unknownUplink(row) : row))
  const has = new Set(rows.filter(isStage('uplink')).map(placeOf))
  const ages = rows.filter(isStage('age')).filter((row) => !has.has(placeOf(row)))
  return [...known, ...ages.map(unknownUplink)]
}

function hasNoBound({ stage, clockBoundMs }: LatencyRow): boolean {
  return stage === 'uplink' && clockBoundMs === null
}

function unknownUplink({ group, timeNs, method, relError }: LatencyRow): LatencyRow {
  const nothing = { p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null, clockBoundMs: null }
  return { group, timeNs, stage: 'uplink', n: 0, ...nothing, negative: 0, method, relError }
}

function isStage(stage: Stage): (row: LatencyRow) => boolean {
  return (row) => row.stage === stage
}

function placeOf({ group, timeNs }: LatencyRow): string {
  return `${timeNs} ${JSON.stringify(group)}`
}
