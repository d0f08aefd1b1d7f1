import type { FormatOutput, RefusedItem } from '../formats/format.ts'

export interface DecidedDeps {
  /** What was refused of the message at a position when it was read before; null: never, or nothing. */
  decided?(position: number): readonly RefusedItem[] | null
}

/**
 * After a crash records are read again, while a format, a setting or the registry may have been
 * mended meanwhile. The store passes over rows of positions it has been at, so an element that was
 * refused then must be refused again: a replay, at a position of its own, brings it in.
 */
export function repeatRefusals(
  output: FormatOutput,
  position: number,
  deps: DecidedDeps,
): FormatOutput {
  const refused = deps.decided?.(position) ?? null
  if (refused === null) return output
  const items = new Set(refused.map(({ item }) => item))
  const drafts = items.has(-1) ? [] : output.drafts.filter(({ item }) => !items.has(item))
  return { drafts, refused: [...refused, ...output.refused.filter(({ item }) => !items.has(item))] }
}
