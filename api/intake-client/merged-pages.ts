import type { QueryName, QueryOf } from '#lib/queries/catalogue.ts'
import type { QueryResult, ScopedQuery } from '#lib/queries/query.ts'
import type { IntakeSource } from './intakes.ts'

/** Between the journal an id belongs to and the id within it. */
export const OF_JOURNAL = ':'

/** Where the rows of one intake continue: after an id, from the start (null), or not at all. */
type Continuation = { readonly after: string | null } | 'end'

/** A query that is paged in its source, in an order of time. */
interface PagedQuery extends ScopedQuery {
  readonly order: 'asc' | 'desc'
  readonly limit: number
  readonly cursor: string | null
}

interface PagedRow {
  readonly id: string
  readonly time: bigint
}

export function isPaged(query: ScopedQuery): query is PagedQuery {
  return 'cursor' in query && 'limit' in query && 'order' in query
}

/**
 * Rows of several intakes in one order of time. Each id names its journal; the cursor holds for each
 * intake the last row that was shown.
 */
export async function mergedPage(
  intakes: readonly IntakeSource[],
  {
    name,
    query,
    signal,
  }: {
    readonly name: QueryName
    readonly query: ScopedQuery
    readonly signal: AbortSignal | undefined
  },
): Promise<QueryResult<PagedRow>> {
  if (!isPaged(query)) throw new Error(`${name} is not paged in its source`)
  const starts = continuationsOf(query.cursor, intakes)
  const runs = await Promise.all(
    intakes.map(async (intake, at) => {
      const start = starts[at] ?? 'end'
      if (start === 'end') return { intake, at, rows: [], isWhole: true }
      const own = { ...query, cursor: start.after } as QueryOf<typeof name>
      // Rows of a paged query have an id and a time.
      const page = (await intake.port.query(name, own, signal)) as unknown as QueryResult<PagedRow>
      return { intake, at, rows: page.rows, isWhole: (page.next ?? null) === null }
    }),
  )
  const sign = query.order === 'asc' ? 1n : -1n
  const shown = runs
    .flatMap(({ intake, at, rows }) =>
      rows.map((row) => ({ at, row, journal: intake.live.journal })),
    )
    .toSorted((a, b) => Number(sign * (a.row.time - b.row.time)) || a.at - b.at)
    .slice(0, query.limit)
  const next = runs.map(({ at, rows, isWhole }): Continuation => {
    const taken = shown.filter((one) => one.at === at)
    if (taken.length === rows.length && isWhole) return 'end'
    const last = taken.at(-1)
    if (last) return { after: last.row.id }
    return starts[at] ?? 'end'
  })
  return {
    rows: shown.map(({ row, journal }) => ({ ...row, id: journal + OF_JOURNAL + row.id })),
    next: next.every((start) => start === 'end') ? null : cursorOf(next, intakes),
  }
}

/** By journal, so that a cursor stays valid when the order in PADBORG_INGEST_URL changes. */
function cursorOf(starts: readonly Continuation[], intakes: readonly IntakeSource[]): string {
  return JSON.stringify(
    Object.fromEntries(intakes.map(({ live }, at) => [live.journal, starts[at] ?? 'end'])),
  )
}

/** Cursors are sealed by the API, so this is what `cursorOf` made. */
function continuationsOf(
  cursor: string | null,
  intakes: readonly IntakeSource[],
): readonly Continuation[] {
  if (cursor === null) return intakes.map(() => ({ after: null }))
  const known = JSON.parse(cursor) as Readonly<Record<string, Continuation>>
  return intakes.map(({ live }) => known[live.journal] ?? { after: null })
}
