import type { Kind } from '#lib/telemetry/catalogue.ts'
import { overlap, type Span } from '#lib/telemetry/span.ts'

/** Rows of one kind in one partition, and the device times they span. */
export interface Extent {
  readonly rows: number
  readonly minNs: bigint
  /** Included. */
  readonly maxNs: bigint
}

export type Extents = ReadonlyMap<Kind, Extent>

/** The extent with further rows. */
export function widened(
  known: Extent | undefined,
  readings: readonly { readonly timeNs: bigint }[],
): Extent {
  let minNs = known?.minNs ?? readings[0]?.timeNs ?? 0n
  let maxNs = known?.maxNs ?? minNs
  for (const { timeNs } of readings) {
    if (timeNs < minNs) minNs = timeNs
    else if (timeNs > maxNs) maxNs = timeNs
  }
  return { rows: (known?.rows ?? 0) + readings.length, minNs, maxNs }
}

/** Newest device time; 0 where there is no row. */
export function newestNs(extents: Extents): bigint {
  let newest = 0n
  for (const { maxNs } of extents.values()) if (maxNs > newest) newest = maxNs
  return newest
}

/** About how many rows of some kinds lie in a span, if they are spread evenly. */
export function rowsWithin(
  parts: Iterable<{ readonly extents: Extents }>,
  kinds: readonly Kind[],
  span: Span,
): number {
  let rows = 0
  for (const { extents } of parts) {
    for (const kind of kinds) {
      const extent = extents.get(kind)
      if (extent) rows += extent.rows * shareWithin(extent, span)
    }
  }
  return rows
}

function shareWithin({ minNs, maxNs }: Extent, span: Span): number {
  const whole = { fromNs: minNs, toNs: maxNs + 1n }
  const { fromNs, toNs } = overlap(whole, span)
  return fromNs < toNs ? Number(toNs - fromNs) / Number(whole.toNs - whole.fromNs) : 0
}
