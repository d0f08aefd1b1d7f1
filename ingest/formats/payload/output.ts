import type { Draft, FormatOutput, RefusedItem } from '../format.ts'

/** A message without readings: stored, not rejected. */
export const EVENT: FormatOutput = { drafts: [], refused: [] }

export function refuse(item: RefusedItem): FormatOutput {
  return { drafts: [], refused: [item] }
}

export function outputOf(results: readonly (Draft | RefusedItem)[]): FormatOutput {
  const drafts: Draft[] = []
  const refused: RefusedItem[] = []
  for (const result of results) {
    if ('reason' in result) refused.push(result)
    else drafts.push(result)
  }
  return { drafts, refused }
}
