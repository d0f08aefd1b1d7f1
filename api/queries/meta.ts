import { z } from 'zod'
import type { Every } from '#lib/kpi/calendar.ts'
import { unitsOfRow } from '#lib/queries/columns.ts'
import type { AnyQuery, QueryResult, ScopedQuery } from '#lib/queries/query.ts'
import { isoOf } from '#lib/runtime/clock.ts'
import type { PageSpan } from './span.ts'

/** What the numbers of a series mean. */
export interface Meta {
  readonly unit: Readonly<Record<string, string>>
  readonly aggregation: string
  readonly coverage: number | null
  readonly coverageOf: string
  readonly from: string
  readonly to: string
  readonly every: string | null
  readonly timezone: string
}

interface Series {
  readonly scoped: ScopedQuery
  readonly result: QueryResult<unknown>
  readonly span: PageSpan
  readonly timezone: string
}

export function seriesMetaOf(query: AnyQuery, { scoped, result, span, timezone }: Series): Meta {
  const { series, row } = query
  if (!series) throw new Error(`the series ${query.path} does not say what its numbers mean`)
  return {
    unit: query.units?.(scoped) ?? (row instanceof z.ZodObject ? unitsOfRow(row) : {}),
    aggregation: series.aggregation(scoped),
    coverage: series.coverage(result, scoped),
    coverageOf: series.coverageOf(scoped),
    from: isoOf(span.fromNs),
    to: isoOf(span.toNs),
    every: span.every === null ? null : durationOf(span.every),
    timezone,
  }
}

const SECOND_NS = 1_000_000_000n

/** ISO 8601: `PT15M`, `P1D`. Fixed lengths are whole seconds. */
function durationOf(every: Every): string {
  if (every.unit !== 'ns') return `P${every.count}${every.unit.charAt(0).toUpperCase()}`
  const seconds = every.lengthNs / SECOND_NS
  const days = seconds / 86_400n
  const parts = [
    [(seconds / 3600n) % 24n, 'H'],
    [(seconds / 60n) % 60n, 'M'],
    [seconds % 60n, 'S'],
  ] as const
  const time = parts.flatMap(([n, unit]) => (n === 0n ? [] : [`${n}${unit}`])).join('')
  return `P${days === 0n ? '' : `${days}D`}${time === '' ? '' : `T${time}`}`
}
