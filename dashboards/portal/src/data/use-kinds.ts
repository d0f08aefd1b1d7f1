import { useAnswer, useCell, usePortal } from './hooks.ts'

/** In the order of the page. */
export const KINDS = ['truck', 'robot', 'probe', 'radio', 'heat_meter', 'energy_meter'] as const

/**
 * Kinds of which there are readings that the visitor may see: asking for others would be refused,
 * or in vain. Null before the first answer.
 */
export function useKinds(): readonly string[] | null {
  const { polls, lastValues } = usePortal()
  const { value } = useAnswer('/last-values', polls.lastValues)
  const readings = useCell(lastValues.cell)
  if (value === null) return null
  const seen = new Set([...readings.values()].map(({ kind }) => kind))
  return KINDS.filter((kind) => seen.has(kind))
}
