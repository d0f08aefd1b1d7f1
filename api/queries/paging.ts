export interface PageOf<T> {
  readonly data: readonly T[]
  /** Key of the last row, when more follow; null on the last page. */
  readonly after: string | null
}

/**
 * A page of a complete list of rows: those whose key follows the given one. Keys, not row numbers,
 * so that a row added or removed between two pages shifts none of the others.
 */
export function pageOf<T>(
  rows: readonly T[],
  keyOf: (row: T) => string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): PageOf<T> {
  const keyed = rows
    .map((row) => [keyOf(row), row] as const)
    .filter(([key]) => after === null || key > after)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const page = keyed.slice(0, limit)
  const last = keyed.length > limit ? page.at(-1) : undefined
  return { data: page.map(([, row]) => row), after: last?.[0] ?? null }
}
