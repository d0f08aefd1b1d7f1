import {
  counterDeltas,
  type CounterEnds,
  type CounterSource,
} from '#lib/kpi/counter/counter-deltas.ts'
import { counterRules } from '#lib/kpi/counter/counter-rules.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { overlap, type Span } from '#lib/telemetry/span.ts'
import type { Grid } from '#lib/telemetry/time-grid.ts'
import type { Aggregate, AggregateRow, GridScan } from './scans.ts'

/** Where the intervals of a scan begin. */
export function gridOf({ everyNs, originNs = 0n }: GridScan): Grid {
  return { everyNs, originNs }
}

/** Readings of one counter as a store gives them, within the intervals of a page. */
export type OpenCounter = (name: string, span: Span) => CounterSource

/**
 * A page of aggregates, whose counters know only their ends so far, with their deltas. Both stores
 * use it, so that both judge resets and wrong values alike.
 */
export async function withDeltas(
  rows: readonly AggregateRow[],
  scan: GridScan,
  open: OpenCounter,
): Promise<readonly AggregateRow[]> {
  const [first, last] = [rows[0], rows.at(-1)]
  if (!first || !last) return rows
  const grid = gridOf(scan)
  const span = overlap(scan, { fromNs: first.timeNs, toNs: last.timeNs + grid.everyNs })
  const fields = rows.map((row): Record<string, Aggregate> => ({ ...row.fields }))
  const definitions = Object.entries(KINDS[scan.kind].fields)
  const isMeter = Object.hasOwn(KINDS[scan.kind].fields, 'meterId')
  for (const [name, definition] of definitions) {
    if (definition.role !== 'counter') continue
    const ends = rows.flatMap((row, at) => endsIn(row, name).map((one) => ({ ...one, at })))
    if (ends.length === 0) continue
    const deltas = await counterDeltas(open(name, span), {
      ...span,
      grid,
      ends,
      isMeter,
      rulesOf: (device) => counterRules(definition, scan.meters?.[device] ?? {}),
    })
    for (const [nth, { at, first: from, last: to }] of ends.entries()) {
      // There is a row and a delta for each of the ends.
      fields[at]![name] = { first: from, last: to, delta: deltas[nth]! }
    }
  }
  return rows.map((row, at) => ({ ...row, fields: fields[at]! }))
}

function endsIn({ timeNs, device, fields }: AggregateRow, name: string): CounterEnds[] {
  const found = fields[name]
  return found && 'first' in found ? [{ timeNs, device, first: found.first, last: found.last }] : []
}
