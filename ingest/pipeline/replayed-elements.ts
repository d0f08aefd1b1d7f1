import type { Origin } from '#lib/telemetry/message.ts'

export interface CoveredElements {
  /** What an entry of the rejections covers (`rejections/rejection-entries.ts`); null when it is one element. */
  readonly coveredBy?: (origin: Origin) => readonly number[] | null
}

/** The elements that a replay is about; null: all of its message. */
export function replayedElements(
  origin: Origin,
  { coveredBy }: CoveredElements,
): ReadonlySet<number> | null {
  if (origin.elementIndex < 0) return null
  return new Set(coveredBy?.(origin) ?? [origin.elementIndex])
}
