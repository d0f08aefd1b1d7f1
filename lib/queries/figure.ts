import type { z } from 'zod'
import type { FigureScan } from '#lib/store/scans.ts'
import { GROUPINGS, type Group, type Grouping } from '#lib/telemetry/grouping.ts'
import { groupColumn, timeColumn } from './columns.ts'
import {
  deviceParameters,
  everyKey,
  everyParameter,
  kindsParameter,
  pageParameters,
  spanParameters,
  wordsParameter,
} from './parameters.ts'
import type { Calendar } from './calendar-scans.ts'
import type { QueryResult, Request, SeriesMeta } from './query.ts'
import { coverageOfIntervals } from './span.ts'

/*
 * Network figures: one row per group and interval. This file holds what they share; each of them is
 * a declaration that spreads these parts.
 */

/** Percentiles of devices cannot be merged into one of their site afterwards. */
const NO_SITES = ' (site is not available: list the devices of the site, see /devices)'

export const figureParameters = {
  ...deviceParameters,
  ...kindsParameter,
  ...spanParameters,
  ...everyParameter,
  by: wordsParameter(GROUPINGS, 'One row per value of these', { hint: NO_SITES }),
  ...pageParameters,
}

/** The first columns of every figure. */
export const figureColumns = {
  time: timeColumn('Start of the interval; only with `every`.').optional(),
  group: groupColumn(GROUPINGS),
}

interface FigureRow {
  readonly time?: bigint | undefined
  readonly group: Group
}

type Given = z.output<z.ZodObject<typeof figureParameters>>

export type FigureQuery = FigureScan & Calendar

/** The part of the query that all figures share. */
export function figureQuery(given: Given, request: Request): FigureQuery {
  const { scope, fromNs, toNs, everyNs, buckets } = request
  return { scope, fromNs, toNs, by: given.by ?? [], everyNs, buckets }
}

/** A row of the store or of the state, with its time and group as columns; what it lacks is null. */
export function placed<T extends { readonly group: Group; readonly timeNs: bigint | null }>(
  { timeNs, group, ...figures }: T,
  by: readonly Grouping[],
) {
  const values = Object.fromEntries(by.map((name) => [name, group[name] ?? null]))
  return { ...(timeNs === null ? {} : { time: timeNs }), group: values as Group, ...figures }
}

/** A cursor of other groups or intervals has other keys. */
function figureIdentity({ by = [], every }: Given): readonly string[] {
  return [everyKey(every) ?? 'whole', ...by]
}

/** Below every character of a name, so that shorter names come first. */
const DIVIDER = '\u0000'

/** Times first, as numbers of equal length; then the groups, then what tells rows of both apart. */
export function figureKey({ time, group }: FigureRow, detail = ''): string {
  return [timeKey(time), groupKey(group), detail].join(DIVIDER)
}

function timeKey(time: bigint | undefined): string {
  return time === undefined ? '' : String(time).padStart(20, '0')
}

function groupKey(group: Group): string {
  return Object.values(group)
    .map((value) => value ?? DIVIDER)
    .join(DIVIDER)
}

/** The parts of a declaration that are the same in every figure; latency has more. */
export const figureDeclaration = {
  permission: 'network:read',
  tag: 'network',
  scope: 'figures',
  shape: 'series',
  sources: ['store'],
  key: (row: FigureRow) => figureKey(row),
  identity: figureIdentity,
} as const

/** What the numbers of a figure mean; the coverage counts the intervals of each group with a row. */
export function figureSeries<Row extends FigureRow>(
  aggregation: string,
): SeriesMeta<FigureQuery, QueryResult<Row>> {
  return {
    aggregation: () => aggregation,
    coverageOf: () =>
      'share of the intervals with data, over the groups in the answer; null without every',
    coverage({ rows }, query) {
      const filled = new Set(rows.map((row) => figureKey(row))).size
      const groups = new Set(rows.map(({ group }) => groupKey(group))).size
      return coverageOfIntervals(filled, groups, query)
    },
  }
}
