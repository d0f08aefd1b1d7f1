import { KINDS } from './kinds.ts'
import { useCell, usePortal } from './use-portal.ts'
import { useQuery } from './use-query.ts'

/**
 * Kinds with readings that the visitor may see: a query for another kind would be refused or
 * empty. Null before the first result.
 */
export function useKinds(): readonly string[] | null {
  const { polls, lastValues } = usePortal()
  const { value } = useQuery(polls.lastValues)
  const readings = useCell(lastValues.cell)
  if (value === null) return null
  const seen = new Set([...readings.values()].map(({ kind }) => kind))
  return KINDS.filter((kind) => seen.has(kind))
}
