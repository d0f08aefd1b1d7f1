import { z } from 'zod'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Scope, ServiceQuery } from '#lib/telemetry/questions.ts'
import { isTooMany, type TooMany } from '#lib/telemetry/service.ts'
import { list, type Answer } from './answer.ts'
import type { Api } from '../api.ts'
import type { Cell, Columns } from './csv.ts'
import type { Ask } from '../endpoint.ts'
import { metaOf } from './meta.ts'
import { pageOf } from '../parameters/paging.ts'
import {
  deviceParameters,
  kindsParameter,
  pageParameters,
  spanParameters,
  wordsParameter,
} from '../parameters/parameters.ts'
import { Problem, unusable } from './problem.ts'
import { figureScope, requireInScope } from '../auth/scope.ts'
import { stretchOf, type Stretch } from '../parameters/span.ts'

/** What the figures take that need each message of a channel, in order. */
export const serviceParameters = {
  ...deviceParameters,
  ...kindsParameter,
  ...spanParameters,
  by: wordsParameter(['device'] as const, 'One row per device and channel, always'),
  ...pageParameters,
}

export const serviceHead = {
  group: z.object({ device: z.string() }),
  channel: z.string(),
}

type ServiceAsk = Pick<
  Ask<z.output<z.ZodObject<typeof serviceParameters>>, unknown, unknown>,
  'query' | 'caller' | 'names' | 'route'
>

export interface ServiceQuestion {
  readonly query: ServiceQuery
  readonly stretch: Stretch
  /** What a cursor must be of. */
  readonly name: string
}

/** The part of the question that these figures share; `limits` are parameters of its own. */
export function serviceQuestion(
  api: Api,
  ask: ServiceAsk,
  limits: readonly number[] = [],
): ServiceQuestion | Problem {
  const scope = figureScope(ask, ask.query)
  if (scope instanceof Problem) return scope
  const name = [ask.route, ...limits].join(' ')
  const stretch = stretchOf(ask.query, { ...api, question: name })
  if (stretch instanceof Problem) return stretch
  const { fromNs, toNs } = stretch
  return { query: { scope, fromNs, toNs }, stretch, name }
}

interface Told<T> {
  readonly unit: Readonly<Record<string, string>>
  readonly aggregation: string
  readonly figures: Columns<T>
  readonly meta?: Readonly<Record<string, unknown>>
}

interface SeriesRow {
  readonly device: FullId
  readonly channel: string
}

/** Rows of one device and channel each, as a page of a series. */
export function serviceAnswer<T extends SeriesRow>(
  api: Api,
  ask: ServiceAsk,
  { stretch, name, query, found }: ServiceQuestion & { found: readonly T[] | TooMany },
  { unit, aggregation, figures, meta }: Told<T>,
): Answer | Problem {
  if (isTooMany(found)) {
    const expected = `expected at most ${found.limit} messages behind one answer, got more`
    return unusable('from', `${expected}; ask for a shorter span or fewer devices`)
  }
  const shown = found.map((row) => shownRow(row, figures, { ask, scope: query.scope }))
  const { fromNs, toNs, after } = stretch
  const page = pageOf(shown, keyOf, { after, limit: ask.query.limit })
  const next =
    page.after === null
      ? null
      : api.cursors.seal({ question: name, fromNs, toNs, after: page.after })
  const told = metaOf(stretch, {
    unit,
    aggregation,
    coverage: null,
    coverageOf: 'cannot be told: a silent device and one that is away look the same',
  })
  return list(
    { data: page.data, next, meta: { ...told, ...meta } },
    columnsOf(Object.keys(figures)),
  )
}

type Shown = {
  readonly group: { readonly device: string }
  readonly channel: string
} & Readonly<Record<string, unknown>>

function shownRow<T extends SeriesRow>(
  row: T,
  figures: Columns<T>,
  { ask, scope }: { readonly ask: ServiceAsk; readonly scope: Scope },
): Shown {
  requireInScope(scope, row.device)
  const cells = Object.entries(figures).map(([name, read]) => [name, read(row)] as const)
  const { device, channel } = row
  return { group: { device: ask.names.device(device) }, channel, ...Object.fromEntries(cells) }
}

/** A channel may carry round trips and one-way messages: the sort of its row tells them apart. */
function keyOf({ group, channel, method, stage }: Shown): string {
  return [group.device, channel, method ?? stage].join('\u0000')
}

function columnsOf(names: readonly string[]): Columns<Shown> {
  return {
    device: ({ group }) => group.device,
    channel: (row) => row.channel,
    ...Object.fromEntries(
      // `shownRow` put the cell there under this very name.
      names.map((name) => [name, (row: Shown) => row[name] as Cell]),
    ),
  }
}
