import type { RejectionReason } from '#lib/telemetry/rejection.ts'
import type { FormatOutput, ParsedElement, RefusedElement } from '../format.ts'
import type { Problem } from './problem.ts'
import { showPath } from './reason.ts'

/** A message without readings: stored, not rejected. */
export const EVENT: FormatOutput = { elements: [], refused: [] }

export function refuse(refused: RefusedElement): FormatOutput {
  return { elements: [], refused: [refused] }
}

/** Sorts what became of each element of a payload. */
export function outputOf(results: readonly (ParsedElement | RefusedElement)[]): FormatOutput {
  const elements: ParsedElement[] = []
  const refused: RefusedElement[] = []
  for (const result of results) {
    if ('reason' in result) refused.push(result)
    else elements.push(result)
  }
  return { elements, refused }
}

/**
 * A refusal of an array's element (-1: of the whole message), its path given within the element.
 */
export function refusal(
  elementIndex: number,
  reason: RejectionReason,
  { path, expected, got }: Problem,
): RefusedElement {
  const whole = elementIndex < 0 ? path : [elementIndex, ...path]
  return { elementIndex, reason, path: showPath(whole), expected, got }
}

/** The same with a path from the root of the payload. */
export function refusalAt(
  elementIndex: number,
  { path, expected, got }: Problem,
  reason: RejectionReason = 'schema',
): RefusedElement {
  return { elementIndex, reason, path: showPath(path), expected, got }
}
