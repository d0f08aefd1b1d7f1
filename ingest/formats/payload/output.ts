import type { ParsedElement, FormatOutput, RefusedElement } from '../format.ts'

/** A message without readings: stored, not rejected. */
export const EVENT: FormatOutput = { elements: [], refused: [] }

export function refuse(elementIndex: RefusedElement): FormatOutput {
  return { elements: [], refused: [elementIndex] }
}

export function outputOf(results: readonly (ParsedElement | RefusedElement)[]): FormatOutput {
  const elements: ParsedElement[] = []
  const refused: RefusedElement[] = []
  for (const result of results) {
    if ('reason' in result) refused.push(result)
    else elements.push(result)
  }
  return { elements, refused }
}
