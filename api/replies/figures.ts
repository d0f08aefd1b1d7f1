import { z } from 'zod'
import { isoOf } from '#lib/runtime/clock.ts'
import { GROUPINGS, type FigureQuery, type Grouping } from '#lib/telemetry/questions.ts'
import { tenantOf } from '#lib/telemetry/ids.ts'
import { list, type Answer } from './answer.ts'
import type { Api } from '../api.ts'
import type { Cell, Columns } from './csv.ts'
import type { Ask } from '../endpoint.ts'
import { coverageOf, metaOf } from './meta.ts'
import type { Names } from '../auth/names.ts'
import { pageOf } from '../parameters/paging.ts'
import {
  deviceParameters,
  everyParameter,
  kindsParameter,
  pageParameters,
  spanParameters,
  wordsParameter,
} from '../parameters/parameters.ts'
import { Problem } from './problem.ts'
import { timeSchema } from './schemas.ts'
import { figureScope, requireInScope } from '../auth/scope.ts'
import { stretchOf, type Stretch } from '../parameters/span.ts'

/** Percentiles of devices cannot be put together to one of their site afterwards. */
const NO_SITES = ' (site is not answered: ask with the devices of the site, see /devices)'

/** What every network figure takes. */
export const figureParameters = {
  ...deviceParameters,
  ...kindsParameter,
  ...spanParameters,
  ...everyParameter,
  by: wordsParameter(GROUPINGS, 'One row per value of these', NO_SITES),
  ...pageParameters,
}

export const figureHead = {
  group: z.record(z.string(), z.string().nullable()),
  time: timeSchema.optional().describe('Start of the interval, where every was asked for.'),
}

type FigureAsk = Pick<
  Ask<z.output<z.ZodObject<typeof figureParameters>>, unknown, unknown>,
  'query' | 'caller' | 'names' | 'route'
>

interface FigureRow {
  readonly group: Readonly<Partial<Record<Grouping, string | null>>>
  readonly timeNs: bigint | null
}

export interface FigureQuestion {
  readonly query: FigureQuery
  readonly stretch: Stretch
}

/** The part of the question that all figures share. */
export function figureQuestion(api: Api, ask: FigureAsk): FigureQuestion | Problem {
  const { query } = ask
  const scope = figureScope(ask, query)
  if (scope instanceof Problem) return scope
  const stretch = stretchOf(query, { ...api, question: nameOf(ask) })
  if (stretch instanceof Problem) return stretch
  const { fromNs, toNs, everyNs } = stretch
  return { query: { scope, by: query.by ?? [], everyNs, fromNs, toNs }, stretch }
}

/** What a cursor must be of: rows of other groups or intervals have other keys. */
function nameOf({ route, query: { by = [], every } }: FigureAsk): string {
  return [route, String(every ?? 'whole'), ...by].join(' ')
}

interface FigureTelling<T> {
  readonly unit: Readonly<Record<string, string>>
  readonly aggregation: string
  /** Figures of a row, in the order of the columns. */
  readonly figures: Columns<T>
  /** Tells rows of one group and time apart. */
  readonly detail?: (row: T) => string
}

/** Rows of a figure as a page of a series: time, group, figures. */
export function figureAnswer<T extends FigureRow>(
  api: Api,
  ask: FigureAsk,
  { query, stretch, rows }: FigureQuestion & { readonly rows: readonly T[] },
  told: FigureTelling<T>,
): Answer {
  for (const row of rows) requireGroupInScope(query, row)
  const { limit } = ask.query
  const { after } = stretch
  const placed = rows.map((row) => placeOf(row, shownGroup(row.group, query.by, ask.names)))
  const page = pageOf(placed, ({ row, key }) => `${key}${DIVIDER}${told.detail?.(row) ?? ''}`, {
    after,
    limit,
  })
  const question = nameOf(ask)
  const { fromNs, toNs } = stretch
  const next =
    page.after === null ? null : api.cursors.seal({ question, fromNs, toNs, after: page.after })
  const data = page.data.map(({ row, group }) => shownRow(row, group, told.figures))
  const { unit, aggregation } = told
  const meta = metaOf(stretch, {
    unit,
    aggregation,
    coverage: coverage(placed, stretch),
    coverageOf:
      'share of the intervals with data, over the groups in the answer; null without every',
  })
  return list({ data, next, meta }, columnsOf(Object.keys(told.figures), query.by, stretch))
}

type Group = Readonly<Record<string, string | null>>

type ShownRow = { readonly group: Group; readonly time?: string } & Readonly<
  Record<string, unknown>
>

function shownGroup(group: FigureRow['group'], by: readonly Grouping[], names: Names): Group {
  return Object.fromEntries(
    by.map((name) => {
      const value = group[name] ?? null
      if (value === null) return [name, null]
      if (name === 'device') return [name, names.device(value)]
      return [name, name === 'tenant' ? names.tenant(value) : value]
    }),
  )
}

function shownRow<T extends FigureRow>(row: T, group: Group, figures: Columns<T>): ShownRow {
  const shown: Record<string, unknown> = { group }
  if (row.timeNs !== null) shown['time'] = isoOf(row.timeNs)
  for (const [name, read] of Object.entries(figures)) shown[name] = read(row)
  // The group was put in first, and no figure has its name.
  return shown as ShownRow
}

interface Placed<T> {
  readonly row: T
  readonly group: Group
  readonly groupKey: string
  /** Of time and group; orders the rows of an answer. */
  readonly key: string
}

/** Below every character of a name, so that shorter names come first. */
const DIVIDER = '\u0000'

/** Times first, as numbers of equal length; then the groups. */
function placeOf<T extends FigureRow>(row: T, group: Group): Placed<T> {
  const time = row.timeNs === null ? '' : String(row.timeNs).padStart(20, '0')
  const values = Object.values(group).map((value) => value ?? DIVIDER)
  const groupKey = values.join(DIVIDER)
  return { row, group, groupKey, key: `${time}${DIVIDER}${groupKey}` }
}

function coverage(placed: readonly Placed<unknown>[], stretch: Stretch): number | null {
  if (stretch.everyNs === null) return null
  const filled = new Set(placed.map(({ key }) => key)).size
  const groups = new Set(placed.map(({ groupKey }) => groupKey)).size
  return coverageOf(filled, groups, stretch)
}

function columnsOf(
  figures: readonly string[],
  by: readonly Grouping[],
  { everyNs }: Stretch,
): Columns<ShownRow> {
  const time = everyNs === null ? {} : { time: (row: ShownRow) => row.time }
  const groups = by.map((name) => [name, (row: ShownRow) => row.group[name]] as const)
  const cells = figures.map(
    // `shownRow` put the cell there under this very name.
    (name) => [name, (row: ShownRow) => row[name] as Cell] as const,
  )
  return { ...time, ...Object.fromEntries(groups), ...Object.fromEntries(cells) }
}

function requireGroupInScope({ scope }: FigureQuery, { group }: FigureRow): void {
  const { device, tenant } = group
  if (device) requireInScope(scope, device)
  if (tenant && scope.tenants && !scope.tenants.includes(tenantOf(tenant))) {
    throw new Error('an answer of the ingest role holds a tenant outside the scope of its question')
  }
}
