import { isoOf, type Clock } from '#lib/runtime/clock.ts'
import { MAX_INTERVALS } from '#lib/queries/parameters.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { Cursor, Cursors } from './cursor.ts'
import { Problem, unusable } from '../replies/problem.ts'

const DEFAULT_SPAN_NS = 24n * 3_600_000_000_000n

interface Given {
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
  readonly everyNs: bigint | null
  readonly cursor?: string | undefined
}

/** The span of one request and where its page begins. */
export interface PageSpan extends Span {
  readonly everyNs: bigint | null
  /** What this page comes after; null on the first one. */
  readonly after: string | null
}

interface SpanDeps {
  readonly clock: Clock
  readonly cursors: Cursors
  /** A cursor of another query is refused. */
  readonly query: string
}

/** The span of a request: that of its cursor, else as given, else the last 24 h. */
export function pageSpanOf(given: Given, deps: SpanDeps): PageSpan | Problem {
  const cursor = openCursor(given.cursor, deps)
  if (cursor instanceof Problem) return cursor
  const toNs = cursor?.toNs ?? given.to ?? deps.clock.nowNs()
  const fromNs = cursor?.fromNs ?? given.from ?? toNs - DEFAULT_SPAN_NS
  if (fromNs >= toNs) {
    const end = given.to === undefined ? 'now' : 'to'
    const got = `from ${isoOf(fromNs)} and ${end} ${isoOf(toNs)}`
    return unusable('from', `expected a time before ${end}, got ${got}; exchange or correct them`)
  }
  const { everyNs } = given
  const problem = everyNs === null ? null : tooMany(toNs - fromNs, everyNs)
  return problem ?? { fromNs, toNs, everyNs, after: cursor?.after ?? null }
}

/** For lists without a time: what this page comes after. */
export function afterOf(
  given: Pick<Given, 'cursor'>,
  deps: Omit<SpanDeps, 'clock'>,
): { readonly after: string | null } | Problem {
  const cursor = openCursor(given.cursor, deps)
  return cursor instanceof Problem ? cursor : { after: cursor?.after ?? null }
}

function openCursor(
  text: string | undefined,
  { cursors, query }: Omit<SpanDeps, 'clock'>,
): Cursor | Problem | null {
  if (text === undefined) return null
  const cursor = cursors.open(query, text)
  if (cursor) return cursor
  return unusable('cursor', 'expected the `next` of an earlier result of the same query; use that')
}

function tooMany(spanNs: bigint, everyNs: bigint): Problem | null {
  const intervals = (spanNs + everyNs - 1n) / everyNs
  if (intervals <= MAX_INTERVALS) return null
  return unusable(
    'every',
    `expected at most ${MAX_INTERVALS} intervals, got ${intervals}; ` +
      'ask for a longer every or a shorter span',
  )
}
