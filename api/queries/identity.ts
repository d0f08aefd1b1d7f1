/** Parameters that say where a page begins and how it looks, not what is asked. */
const OF_PAGE: ReadonlySet<string> = new Set(['from', 'to', 'cursor', 'limit', 'as', 'locale'])

interface Asked {
  readonly route: string
  readonly query: object
}

/** What a cursor must be of: rows of another query have other keys. */
export function identityOf({ route, query }: Asked): string {
  const own = Object.entries(query)
    .filter(([name, value]) => !OF_PAGE.has(name) && value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `${route} ${JSON.stringify(own, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )}`
}
