import { z } from 'zod'
import { KPIS } from '#lib/kpi/catalogue.ts'
import type { GroupHeat } from '#lib/kpi/heat/heat-groups.ts'
import { PROVISIONAL_BELOW } from '#lib/kpi/heat/recovered-heat.ts'
import { HEAT_BOUNDARIES, HEAT_GROUPINGS, type Boundary } from '#lib/telemetry/heat.ts'
import type { Span } from '#lib/telemetry/span.ts'
import {
  count,
  deviceColumn,
  groupColumn,
  measure,
  optionalMeasure,
  timeColumn,
} from './columns.ts'
import type { RegisterFinding } from './heat/findings.ts'
import { METER_KINDS } from './heat/meters.ts'
import {
  MAX_REGISTERS,
  coverageOfPoints,
  recoveredHeatOf,
  type HeatQuery,
} from './heat/recovered-rows.ts'
import {
  deviceParameters,
  everyParameter,
  pageParameters,
  spanParameters,
  wordsParameter,
} from './parameters.ts'
import { isTooMany, type TooMany } from '#lib/telemetry/too-many.ts'
import { defineQuery, type QueryContext, type QueryResult } from './query.ts'

/** Groupings as they were called before. */
const OLD_NAMES = { data_centre: 'dataCentre', heat_network: 'heatNetwork' } as const

/** Findings in one result; all of them are counted. */
const MAX_FINDINGS = 500
const DEFAULT_BOUNDARY: readonly Boundary[] = ['delivered']

const row = z.object({
  time: timeColumn('Start of the interval; only with `every`.').optional(),
  boundary: z.enum(HEAT_BOUNDARIES),
  group: groupColumn(['boundary', ...HEAT_GROUPINGS]),
  energyKwh: optionalMeasure(
    'kWh',
    `${KPIS.recoveredHeat.description} Null where nothing is known.`,
  ),
  bridgedKwh: measure('kWh', 'The part that came out of gaps.'),
  uncertaintyKwh: optionalMeasure('kWh', 'True within this, by the steps of the registers alone.'),
  coverage: measure('1', 'Share of the time of the meters that was measured, 0 to 1.'),
  isProvisional: z.boolean().describe(`Coverage is below ${PROVISIONAL_BELOW}.`),
  intervals: z
    .object({
      measured: z.number(),
      bridged: z.number(),
      missing: z.number(),
      excluded: z.number(),
    })
    .meta({
      csv: 'spread',
      description: 'Intervals between registers; a quiet hour of a fast meter counts as few.',
    }),
  meters: count('Measuring points behind the figures, the silent ones too.'),
})

const findingRow = z.object({
  device: deviceColumn(),
  code: z.string().describe('register_reset, rollover, meter_changed, implausible_jump, ...'),
  time: timeColumn('The reading before it.'),
  to: timeColumn('The reading after it.'),
  count: z.number(),
})

export type RecoveredHeatRow = z.output<typeof row>

interface HeatResult extends QueryResult<RecoveredHeatRow> {
  readonly findings: readonly RegisterFinding[]
  /** How many there are, also where the list of them was cut. */
  readonly findingsTotal: number
  readonly coverage: number | null
  readonly meters: number
  readonly metersWithoutRole: number
  readonly timeZone: string
}

export const recoveredHeat = defineQuery({
  path: '/heat/recovered',
  permission: 'heat:read',
  tag: 'heat',
  summary: 'Recovered heat per place and interval, with its coverage',
  parameters: {
    boundary: wordsParameter(
      HEAT_BOUNDARIES,
      'Where heat is counted, `delivered` by default; rows of both are never added',
    ),
    by: wordsParameter(HEAT_GROUPINGS, 'One row per value of these', { aliases: OLD_NAMES }),
    ...everyParameter,
    ...deviceParameters,
    ...spanParameters,
    ...pageParameters,
  },
  row,
  scope: 'readings',
  shape: 'series',
  sources: ['store'],
  limitedBy: 'registers',
  filter: ({ device, tenant }) => ({ device, tenant, kind: METER_KINDS }),
  toQuery: (
    { boundary = DEFAULT_BOUNDARY, by = [], every },
    { scope, fromNs, toNs },
  ): HeatQuery => {
    return { scope, boundaries: boundary, by, every: every?.text ?? null, fromNs, toNs }
  },
  answer: (context, query): Promise<HeatResult | TooMany> => answerHeat(context, query),
  key: ({ time, group, boundary }) => {
    const start = time === undefined ? '' : String(time).padStart(20, '0')
    const { boundary: _boundary, ...places } = group
    return [start, ...Object.values(places).map((value) => value ?? ''), boundary].join('\u0000')
  },
  identity: ({ every, boundary = DEFAULT_BOUNDARY, by = [] }) => [
    every?.text ?? 'whole',
    ...boundary,
    ...by,
  ],
  series: {
    aggregation: () => 'differences of registers, summed over the meters of a group and interval',
    coverageOf: () =>
      'share of the time up to now that measured intervals cover, over all meters of the ' +
      'boundary, also the silent ones; null without a meter',
    coverage: ({ coverage }) => coverage,
  },
  extra: {
    schema: z.object({
      boundary: z.array(z.enum(HEAT_BOUNDARIES)),
      method: z.string(),
      uncertaintyOf: z.string(),
      timeZone: z.string(),
      meters: z.number(),
      metersWithoutRole: z.number().describe('Heat meters left out: their role is not set.'),
      findings: z.array(findingRow),
      findingsTotal: z.number(),
    }),
    of: (
      { timeZone, meters, metersWithoutRole, findings, findingsTotal },
      { boundaries, every },
    ) => ({
      every,
      boundary: boundaries,
      method: 'register difference',
      uncertaintyOf:
        'one step of each register and unbroken run; the class of the meter adds to it',
      timeZone,
      meters,
      metersWithoutRole,
      findings,
      findingsTotal,
    }),
  },
})

/** `maxRegisters` bounds what one result reads. */
export async function answerHeat(
  context: QueryContext,
  query: HeatQuery,
  maxRegisters = MAX_REGISTERS,
): Promise<HeatResult | TooMany> {
  const heat = await recoveredHeatOf(context, query, maxRegisters)
  if (isTooMany(heat)) return heat
  return {
    rows: heat.groups.map((group) => rowOf(group, query)),
    findings: heat.findings.slice(0, MAX_FINDINGS),
    findingsTotal: heat.findings.length,
    coverage: coverageOfPoints(heat.points),
    meters: heat.meters,
    metersWithoutRole: heat.metersWithoutRole,
    timeZone: context.timezone,
  }
}

function rowOf(
  { boundary, labels, bucket, points, figures }: GroupHeat,
  { boundaries, every }: HeatQuery,
): RecoveredHeatRow {
  const { energyKwh, bridgedKwh, resolutionKwh, coverage, intervals } = figures
  return {
    // The interval as the calendar has it, also where the span begins within it.
    ...(every === null ? {} : { time: startOf(bucket) }),
    boundary,
    group: boundaries.length > 1 ? { boundary, ...labels } : labels,
    energyKwh,
    bridgedKwh,
    uncertaintyKwh: resolutionKwh,
    coverage,
    isProvisional: coverage < PROVISIONAL_BELOW,
    intervals,
    meters: points,
  }
}

function startOf(bucket: Span & { readonly startNs?: bigint }): bigint {
  return bucket.startNs ?? bucket.fromNs
}
