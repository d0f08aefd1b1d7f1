import { isoOf, type Clock } from '#lib/runtime/clock.ts'
import { calendarBuckets, shortestNs, type CalendarBucket, type Every } from '#lib/kpi/calendar.ts'
import type { GivenTime } from '#lib/queries/given-time.ts'
import { MAX_CALENDAR_INTERVALS, MAX_INTERVALS } from '#lib/queries/parameters.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { Cursor, Cursors } from './cursor.ts'
import { Problem, unusable } from '../replies/problem.ts'

const DEFAULT_SPAN_NS = 24n * 3_600_000_000_000n

interface Given {
  readonly from?: GivenTime | undefined
  readonly to?: GivenTime | undefined
  readonly every: Every | null
  readonly cursor?: string | undefined
}

/** The span of one request and where its page begins. */
export interface PageSpan extends Span {
  readonly every: Every | null
  /** Length of the intervals; null where there are none or they follow the calendar. */
  readonly everyNs: bigint | null
  /** The intervals of the calendar. */
  readonly buckets: readonly CalendarBucket[] | null
  /** The key that this page follows; null on the first one. */
  readonly after: string | null
}

/** Of a query without a time. */
export const NO_SPAN = { fromNs: 0n, toNs: 0n, every: null, everyNs: null, buckets: null }

interface SpanDeps {
  /** Of dates and of intervals that follow the calendar. */
  readonly timezone: string
  readonly clock: Clock
  readonly cursors: Cursors
  /** A cursor of another query is refused. */
  readonly query: string
}

/** The span of a request: that of its cursor, else as given, else the last 24 h. */
export function pageSpanOf(given: Given, deps: SpanDeps): PageSpan | Problem {
  const cursor = openCursor(given.cursor, deps)
  if (cursor instanceof Problem) return cursor
  const { timezone } = deps
  const at = { nowNs: deps.clock.nowNs(), timezone }
  const toNs = cursor?.toNs ?? given.to?.(at) ?? at.nowNs
  const fromNs = cursor?.fromNs ?? given.from?.(at) ?? toNs - DEFAULT_SPAN_NS
  if (fromNs >= toNs) {
    const end = given.to === undefined ? 'now' : 'to'
    const got = `from ${isoOf(fromNs)} and ${end} ${isoOf(toNs)}`
    return unusable('from', `expected a time before ${end}, got ${got}; exchange or correct them`)
  }
  const intervals = intervalsOf({ fromNs, toNs }, given.every, timezone)
  if (intervals instanceof Problem) return intervals
  return { fromNs, toNs, every: given.every, ...intervals, after: cursor?.after ?? null }
}

/** For lists without a time: the key that this page follows. */
export function afterOf(
  given: Pick<Given, 'cursor'>,
  deps: Omit<SpanDeps, 'clock' | 'timezone'>,
): { readonly after: string | null } | Problem {
  const cursor = openCursor(given.cursor, deps)
  return cursor instanceof Problem ? cursor : { after: cursor?.after ?? null }
}

function openCursor(
  text: string | undefined,
  { cursors, query }: Omit<SpanDeps, 'clock' | 'timezone'>,
): Cursor | Problem | null {
  if (text === undefined) return null
  const cursor = cursors.open(query, text)
  if (cursor) return cursor
  return unusable('cursor', 'expected the `next` of an earlier result of the same query; use that')
}

function intervalsOf(
  span: Span,
  every: Every | null,
  timezone: string,
): Pick<PageSpan, 'everyNs' | 'buckets'> | Problem {
  if (every === null) return { everyNs: null, buckets: null }
  const spanNs = span.toNs - span.fromNs
  const shortest = shortestNs(every)
  const isCalendar = every.unit !== 'ns'
  const limit = isCalendar ? MAX_CALENDAR_INTERVALS : MAX_INTERVALS
  const intervals = (spanNs + shortest - 1n) / shortest
  if (intervals > limit) return tooMany(intervals, limit)
  if (!isCalendar) return { everyNs: every.lengthNs, buckets: null }
  const buckets = calendarBuckets(span, every, timezone)
  return 'expected' in buckets ? tooMany(intervals, limit) : { everyNs: null, buckets }
}

function tooMany(intervals: bigint, limit: number): Problem {
  return unusable(
    'every',
    `expected at most ${limit} intervals, got ${intervals}; ` +
      'ask for a longer every or a shorter span',
  )
}
