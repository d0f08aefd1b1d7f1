import type { Kind } from '#lib/telemetry/catalogue.ts'
import { FLAGS, type Flag } from '#lib/telemetry/flags.ts'
import { allOf, identifier } from '../client/influxql.ts'
import { cellIn, rowsOf } from './rows.ts'
import type { ScanContext } from './view.ts'

/**
 * Values of `flags` with a bit set, among the readings that fulfil the conditions: there are few. Not
 * every InfluxDB knows the operator `&`, so they are compared one by one.
 */
export async function flagsWith(
  flag: Flag,
  { influx, signal }: ScanContext,
  { kind, where }: { readonly kind: Kind; readonly where: readonly string[] },
): Promise<number[]> {
  const series = await influx.query(
    `SELECT DISTINCT("flags") AS "flags" FROM ${identifier(kind)} WHERE ${allOf(where)}`,
    signal,
  )
  return rowsOf(series)
    .map((row) => Number(cellIn(row, 'flags')))
    .filter((bits) => Number.isInteger(bits) && (bits & FLAGS[flag]) !== 0)
}
