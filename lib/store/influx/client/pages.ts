import type { Span } from '#lib/telemetry/span.ts'
import type { Influx } from './influx.ts'
import { allOf, identifier, readingsWithin, within } from './influxql.ts'
import { bigintIn, rowsOf, type Row } from '../scans/rows.ts'

/** Rows of one request: some 10 MB of JSON for wide ones. */
const PAGE_ROWS = 20_000

export interface Selection {
  readonly measurement: string
  /** What is selected, fields and tags. */
  readonly columns: string
  readonly span: Span
  /** Conditions beside the span. */
  readonly where: readonly string[]
  /** Whether the span is one of exact device times; else of the times of points. */
  readonly exact?: boolean
  readonly pageRows?: number
}

/**
 * The points of a span in the order of their times, some thousands at once, so that memory stays
 * bounded however many there are. Points of one instant come in one page.
 */
export async function* pagesOf(
  influx: Influx,
  { measurement, columns, span, where, exact = false, pageRows = PAGE_ROWS }: Selection,
  signal?: AbortSignal,
): AsyncGenerator<readonly Row[]> {
  const times = exact ? readingsWithin(span) : [within(span)]
  let after: string[] = []
  let limit = pageRows
  for (;;) {
    const statement = `SELECT ${columns} FROM ${identifier(measurement)}
      WHERE ${allOf([...times, ...after, ...where])} ORDER BY time ASC LIMIT ${limit}`
    const rows = rowsOf(await influx.query(statement, signal))
    const last = rows.at(-1)
    if (!last) return
    if (rows.length < limit) {
      yield rows
      return
    }
    // The points of the last instant may not all be here: they come with the next page.
    const lastNs = bigintIn(last, 'time')
    const whole = rows.filter((row) => bigintIn(row, 'time') < lastNs)
    if (whole.length > 0) yield whole
    limit = whole.length > 0 ? pageRows : limit * 4
    after = [`time >= ${lastNs}`]
  }
}
