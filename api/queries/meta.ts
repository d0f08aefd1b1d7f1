import { z } from 'zod'
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
}

interface Series {
  readonly scoped: ScopedQuery
  readonly result: QueryResult<unknown>
  readonly span: PageSpan
}

export function seriesMetaOf(query: AnyQuery, { scoped, result, span }: Series): Meta {
  const { series, row } = query
  if (!series) throw new Error(`the series ${query.path} does not say what its numbers mean`)
  return {
    unit: query.units?.(scoped) ?? (row instanceof z.ZodObject ? unitsOfRow(row) : {}),
    aggregation: series.aggregation(scoped),
    coverage: series.coverage(result, scoped),
    coverageOf: series.coverageOf(scoped),
    from: isoOf(span.fromNs),
    to: isoOf(span.toNs),
    every: span.everyNs === null ? null : durationOf(span.everyNs),
  }
}

const SECOND_NS = 1_000_000_000n

/** ISO 8601 with fixed units alone: `PT15M`, `P1D`. Durations here are whole seconds. */
function durationOf(ns: bigint): string {
  const seconds = ns / SECOND_NS
  const days = seconds / 86_400n
  const parts = [
    [(seconds / 3600n) % 24n, 'H'],
    [(seconds / 60n) % 60n, 'M'],
    [seconds % 60n, 'S'],
  ] as const
  const time = parts.flatMap(([n, unit]) => (n === 0n ? [] : [`${n}${unit}`])).join('')
  return `P${days === 0n ? '' : `${days}D`}${time === '' ? '' : `T${time}`}`
}
