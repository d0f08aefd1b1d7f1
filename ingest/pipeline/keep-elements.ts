import type { ParsedElement } from '../formats/format.ts'

/**
 * Some elements of a message. Each keeps its ordinal, since that is part of where its reading is
 * stored: read again after a crash it must be the same, whatever has been refused meanwhile.
 */
export function keepElements(
  elements: readonly ParsedElement[],
  isKept: (element: ParsedElement) => boolean,
): readonly ParsedElement[] {
  const kept: ParsedElement[] = []
  for (const [at, element] of elements.entries()) {
    if (!isKept(element)) continue
    const isMoved = element.ordinal === undefined && kept.length !== at
    kept.push(isMoved ? { ...element, ordinal: at } : element)
  }
  return kept
}
