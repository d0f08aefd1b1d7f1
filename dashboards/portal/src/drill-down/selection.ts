import { isoOf, SPAN_MS, SPANS } from '../data/spans.ts'

/** Parameters of the address: which readings or which rejection a sheet shows. */
export type SheetParameters = Readonly<Record<string, string>>

export interface ReadingSpan {
  readonly from: string
  /** Left out: until now. */
  readonly to?: string
}

/** Two times, or a named span that ends now. */
export function spanOf({ from, to, span }: SheetParameters, nowMs: number): ReadingSpan {
  if (from !== undefined) return to === undefined ? { from } : { from, to }
  const name = SPANS.find((name) => name === span) ?? '1h'
  return { from: isoOf(nowMs - SPAN_MS[name]) }
}
