import { isoOf, type Clock } from '#lib/runtime/clock.ts'
import type { Span } from '#lib/telemetry/questions.ts'
import type { Cursor, Cursors } from './cursor.ts'
import { MAX_INTERVALS } from './parameters.ts'
import { Problem, unusable } from '../replies/problem.ts'

const DEFAULT_SPAN_NS = 24n * 3_600_000_000_000n

interface Given {
  readonly from?: bigint | undefined
  readonly to?: bigint | undefined
  readonly every?: bigint | undefined
  readonly cursor?: string | undefined
}

export interface Stretch extends Span {
  readonly everyNs: bigint | null
  /** What this page comes after; null on the first one. */
  readonly after: string | null
}

interface SpanDeps {
  readonly clock: Clock
  readonly cursors: Cursors
  /** A cursor of another question is refused. */
  readonly question: string
}

/** The span a question is about: that of its cursor, else as given, else the last 24 h. */
export function stretchOf(given: Given, deps: SpanDeps): Stretch | Problem {
  const cursor = openCursor(given.cursor, deps)
  if (cursor instanceof Problem) return cursor
  const toNs = cursor?.toNs ?? given.to ?? deps.clock.nowNs()
  const fromNs = cursor?.fromNs ?? given.from ?? toNs - DEFAULT_SPAN_NS
  if (fromNs >= toNs) {
    const end = given.to === undefined ? 'now' : 'to'
    const got = `from ${isoOf(fromNs)} and ${end} ${isoOf(toNs)}`
    return unusable('from', `expected a time before ${end}, got ${got}; exchange or correct them`)
  }
  const everyNs = given.every ?? null
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

/** How many intervals of a grid that starts at the Unix epoch a span touches. */
export function intervalsOf({ fromNs, toNs }: Span, everyNs: bigint): number {
  return Number(floorDiv(toNs - 1n, everyNs) - floorDiv(fromNs, everyNs)) + 1
}

function floorDiv(a: bigint, b: bigint): bigint {
  return a >= 0n ? a / b : (a - b + 1n) / b
}

function openCursor(
  text: string | undefined,
  { cursors, question }: Omit<SpanDeps, 'clock'>,
): Cursor | Problem | null {
  if (text === undefined) return null
  const cursor = cursors.open(question, text)
  if (cursor) return cursor
  return unusable(
    'cursor',
    'expected the `next` of an earlier answer to the same question; take that',
  )
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
