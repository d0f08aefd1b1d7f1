import type { FormatOutput, RefusedElement } from '../formats/format.ts'
import { keepElements } from './keep-elements.ts'

export interface EarlierRefusals {
  /** What was refused of the message at a position when it was read before; null: never, or nothing. */
  refusedBefore?(position: number): readonly RefusedElement[] | null
}

/**
 * After a crash records are read again, while a format, a setting or the registry may have been
 * corrected meanwhile. The store skips rows of positions it has been at, so an element that was
 * refused then must be refused again: a replay, at a position of its own, brings it in.
 */
export function repeatRefusals(
  output: FormatOutput,
  position: number,
  deps: EarlierRefusals,
): FormatOutput {
  const refused = deps.refusedBefore?.(position) ?? null
  if (refused === null) return output
  const indices = new Set(refused.map(({ elementIndex }) => elementIndex))
  const isOpen = ({ elementIndex }: { readonly elementIndex: number }) => !indices.has(elementIndex)
  const elements = indices.has(-1) ? [] : keepElements(output.elements, isOpen)
  return { elements, refused: [...refused, ...output.refused.filter(isOpen)] }
}
