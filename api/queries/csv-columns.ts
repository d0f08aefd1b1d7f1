import { z } from 'zod'
import { columnMeta } from '#lib/queries/columns.ts'
import type { Cell, CsvColumns, ScopedQuery } from '#lib/queries/query.ts'

interface Grouped {
  readonly by?: readonly string[]
  readonly every?: unknown
  readonly everyNs?: unknown
  readonly buckets?: unknown
}

interface Shown {
  readonly shape: 'list' | 'series' | 'object'
  /** The first row, if there is one. */
  readonly first: object | undefined
}

/**
 * CSV columns of a row: its own in their order, the parts of a `spread` one by one. A series has a
 * time only where it has intervals, and the groups that the query names; a list has all of them.
 */
export function csvColumnsOf(
  row: z.ZodType,
  scoped: ScopedQuery,
  { shape, first }: Shown,
): CsvColumns {
  // The parts that a grouped query has beside its scope.
  const query: Grouped & ScopedQuery = scoped
  if (!(row instanceof z.ZodObject)) throw new Error('a row without columns has csvColumns')
  const hasTime = (query.everyNs ?? query.buckets ?? query.every ?? null) !== null
  const columns: Record<string, (row: Readonly<Record<string, unknown>>) => Cell> = {}
  for (const [name, column] of Object.entries<z.ZodType>(row.shape)) {
    if (column instanceof z.ZodOptional && !hasTime) continue
    const parts = partsOf(column)
    if (parts === null) columns[name] = (shown) => shown[name] as Cell
    else {
      const isGroup = shape === 'series' && columnMeta(column).shown === 'group'
      const isAsked = (part: string) => !isGroup || (query.by?.includes(part) ?? true)
      for (const part of parts.filter(isAsked)) {
        columns[part] = (shown) => (shown[name] as Readonly<Record<string, Cell>>)[part]
      }
    }
  }
  // Columns that the query named, of rows that may have some.
  const more = row.def.catchall ? Object.keys(first ?? {}) : []
  for (const name of more) {
    if (!Object.hasOwn(row.shape, name)) columns[name] = (shown) => shown[name] as Cell
  }
  return columns
}

/** Names of the parts of a spread column; null for a plain one. */
function partsOf(column: z.ZodType): readonly string[] | null {
  if (columnMeta(column).csv !== 'spread') return null
  if (column instanceof z.ZodObject) return Object.keys(column.shape)
  if (column instanceof z.ZodRecord && column.keyType instanceof z.ZodEnum) {
    return column.keyType.options.map(String)
  }
  throw new Error('a spread column is an object or a record of known names')
}
