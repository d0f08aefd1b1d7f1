import { z } from 'zod'
import { parseEvery, type Every } from '#lib/kpi/calendar.ts'
import { KPIS } from '#lib/kpi/catalogue.ts'
import { PROVISIONAL_BELOW } from '#lib/kpi/heat/recovered-heat.ts'
import { isoOf } from '#lib/runtime/clock.ts'
import {
  HEAT_BOUNDARIES,
  HEAT_GROUPINGS,
  type Boundary,
  type HeatAnswer,
  type HeatFinding,
  type HeatRow,
} from '#lib/telemetry/heat.ts'
import type { HeatQuery, Scope } from '#lib/telemetry/questions.ts'
import { isTooMany } from '#lib/telemetry/service.ts'
import { list, type Answer } from '../replies/answer.ts'
import type { Api } from '../api.ts'
import type { Columns } from '../replies/csv.ts'
import type { Add, Ask } from '../endpoint.ts'
import { metaOf } from '../replies/meta.ts'
import { pageOf } from '../parameters/paging.ts'
import {
  deviceParameters,
  pageParameters,
  spanParameters,
  wordsParameter,
} from '../parameters/parameters.ts'
import { Problem, unusable } from '../replies/problem.ts'
import { idSchema, seriesSchema, timeSchema } from '../replies/schemas.ts'
import { readingScope, requireInScope } from '../auth/scope.ts'
import { stretchOf, type Stretch } from '../parameters/span.ts'

const query = {
  boundary: wordsParameter(
    HEAT_BOUNDARIES,
    'Where heat is counted, `delivered` unless said otherwise; both stay apart, and are never added',
  ),
  by: wordsParameter(HEAT_GROUPINGS, 'One row per value of these settings of the meters'),
  every: z
    .string()
    .transform((text, context) => {
      const every = parseEvery(text)
      if ('unit' in every) return { text, every }
      context.addIssue({ code: 'custom', message: `expected ${every.expected}`, input: text })
      return z.NEVER
    })
    .optional()
    .describe('15m, PT1H; P1D, P1W, P1M, P1Y follow the local calendar of the platform.'),
  ...deviceParameters,
  ...spanParameters,
  ...pageParameters,
}

const kwh = z.number().nullable()

const rowSchema = z.object({
  group: z.record(z.string(), z.string().nullable()),
  time: timeSchema.optional().describe('Start of the interval, where every was asked for.'),
  boundary: z.enum(HEAT_BOUNDARIES),
  energyKwh: kwh.describe(`${KPIS.recoveredHeat.description} Null where nothing is known.`),
  bridgedKwh: z.number().describe('The part that came out of gaps.'),
  uncertaintyKwh: kwh.describe('True within this, by the steps of the registers alone.'),
  coverage: z.number().describe('Share of the time of the meters that was measured, 0 to 1.'),
  isProvisional: z.boolean().describe(`Coverage is below ${PROVISIONAL_BELOW}.`),
  intervals: z
    .object({
      measured: z.number(),
      bridged: z.number(),
      missing: z.number(),
      excluded: z.number(),
    })
    .describe('Stretches between registers; a quiet hour of a fast meter counts as few.'),
  meters: z.number().describe('Measuring points behind the figures, the silent ones too.'),
})

const findingSchema = z.object({
  device: idSchema,
  code: z.string().describe('register_reset, rollover, meter_changed, implausible_jump, ...'),
  time: timeSchema.describe('The reading before it.'),
  to: timeSchema.describe('The reading after it.'),
  count: z.number(),
})

const series = seriesSchema(rowSchema)
const answer = series.extend({
  meta: series.shape.meta.extend({
    boundary: z.array(z.enum(HEAT_BOUNDARIES)),
    method: z.string(),
    uncertaintyOf: z.string(),
    timeZone: z.string(),
    meters: z.number(),
    metersWithoutRole: z.number().describe('Heat meters left out: their role is not set.'),
    findings: z.array(findingSchema),
    findingsTotal: z.number(),
  }),
})

type HeatAsk = Pick<
  Ask<z.output<z.ZodObject<typeof query>>, unknown, unknown>,
  'query' | 'caller' | 'names' | 'route' | 'signal'
>

export function addHeat(add: Add, api: Api): void {
  add({
    method: 'GET',
    url: '/heat/recovered',
    permission: 'heat:read',
    tag: 'heat',
    summary: 'Recovered heat per place and interval, with its coverage',
    query,
    answer,
    isList: true,
    async handle(ask) {
      const question = questionOf(api, ask)
      if (question instanceof Problem) return question
      const found = await api.port.ask('heat', question.query, ask.signal)
      if (isTooMany(found)) {
        const expected = `expected at most ${found.limit} registers behind one answer, got more`
        return unusable('from', `${expected}; ask for a shorter span or fewer devices`)
      }
      return answerOf(api, ask, question, found)
    },
  })
}

const DEFAULT_BOUNDARY: readonly Boundary[] = ['delivered']

interface Question {
  readonly name: string
  readonly query: HeatQuery
  readonly stretch: Stretch
}

function questionOf(api: Api, ask: HeatAsk): Question | Problem {
  const { boundary = DEFAULT_BOUNDARY, by = [], every, ...given } = ask.query
  const { device, tenant } = given
  const scope = readingScope(ask, { device, tenant, kind: ['heat_meter', 'energy_meter'] })
  if (scope instanceof Problem) return scope
  const name = [ask.route, every?.text ?? 'whole', ...boundary, ...by].join(' ')
  const length = every && shortestNs(every.every)
  const stretch = stretchOf({ ...given, every: length }, { ...api, question: name })
  if (stretch instanceof Problem) return stretch
  const { fromNs, toNs } = stretch
  const asked = { scope, boundaries: boundary, by, every: every?.text ?? null, fromNs, toNs }
  return { name, query: asked, stretch }
}

const DAY_NS = 86_400_000_000_000n
/** Shortest length of each calendar unit in whole days, to bound the number of intervals. */
const DAYS = { days: 1n, weeks: 7n, months: 28n, years: 365n } as const

function shortestNs(every: Every): bigint {
  return every.unit === 'ns' ? every.lengthNs : BigInt(every.count) * DAYS[every.unit] * DAY_NS
}

/** Divides the parts of a key, below every character of a name. */
const DIVIDER = '\u0000'

function answerOf(api: Api, ask: HeatAsk, question: Question, found: HeatAnswer): Answer {
  const { name, query: asked, stretch } = question
  const { fromNs, toNs, after } = stretch
  const page = pageOf(found.rows, keyOf, { after, limit: ask.query.limit })
  const next =
    page.after === null
      ? null
      : api.cursors.seal({ question: name, fromNs, toNs, after: page.after })
  const data = page.data.map((row) => shownRow(row, asked))
  const meta = {
    ...metaOf(stretch, {
      unit: { energyKwh: 'kWh', bridgedKwh: 'kWh', uncertaintyKwh: 'kWh', coverage: '1' },
      aggregation: 'differences of registers, summed over the meters of a group and interval',
      coverage: found.coverage,
      coverageOf:
        'share of the time up to now that measured intervals cover, over all meters of the ' +
        'boundary, also the silent ones; null without a meter',
    }),
    every: asked.every,
    boundary: asked.boundaries,
    method: 'register difference',
    uncertaintyOf: 'one step of each register and unbroken run; the class of the meter adds to it',
    timeZone: found.timeZone,
    meters: found.meters,
    metersWithoutRole: found.metersWithoutRole,
    findings: found.findings.map((finding) => shownFinding(finding, asked.scope, ask)),
    findingsTotal: found.findingsTotal,
  }
  return list({ data, next, meta }, columnsOf(asked))
}

function keyOf({ timeNs, group, boundary }: HeatRow): string {
  const time = timeNs === null ? '' : String(timeNs).padStart(20, '0')
  return [time, ...Object.values(group).map((value) => value ?? ''), boundary].join(DIVIDER)
}

function shownRow({ timeNs, group, boundary, coverage, ...figures }: HeatRow, asked: HeatQuery) {
  return {
    group: asked.boundaries.length > 1 ? { boundary, ...group } : group,
    ...(timeNs === null ? {} : { time: isoOf(timeNs) }),
    boundary,
    ...figures,
    coverage,
    isProvisional: coverage < PROVISIONAL_BELOW,
  }
}

function shownFinding(
  { device, code, timeNs, toNs, count }: HeatFinding,
  scope: Scope,
  ask: HeatAsk,
) {
  requireInScope(scope, device)
  return { device: ask.names.device(device), code, time: isoOf(timeNs), to: isoOf(toNs), count }
}

type ShownRow = ReturnType<typeof shownRow>

function columnsOf({ by, every }: HeatQuery): Columns<ShownRow> {
  const groups = by.map((name) => [name, ({ group }: ShownRow) => group[name] ?? null] as const)
  return {
    ...(every === null ? {} : { time: ({ time }: ShownRow) => time }),
    boundary: (row) => row.boundary,
    ...Object.fromEntries(groups),
    energyKwh: (row) => row.energyKwh,
    bridgedKwh: (row) => row.bridgedKwh,
    uncertaintyKwh: (row) => row.uncertaintyKwh,
    coverage: (row) => row.coverage,
    isProvisional: (row) => row.isProvisional,
    measured: (row) => row.intervals.measured,
    bridged: (row) => row.intervals.bridged,
    missing: (row) => row.intervals.missing,
    excluded: (row) => row.intervals.excluded,
    meters: (row) => row.meters,
  }
}
