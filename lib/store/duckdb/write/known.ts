import { BIGINT, UBIGINT, VARCHAR, type DuckDBConnection } from '@duckdb/node-api'
import type { Identity, Known } from '../../store.ts'
import { fillTemporary } from '../figures/figures.ts'
import { identifier, literal, numberIn, rowsOf } from '../files/sql.ts'
import type { View } from '../scans/view.ts'

const WANTED_TYPES = [
  BIGINT,
  VARCHAR,
  VARCHAR,
  VARCHAR,
  BIGINT,
  BIGINT,
  UBIGINT,
  BIGINT,
  BIGINT,
] as const

/**
 * One join per kind and file whose device times can hold one of the identities. The identities go
 * into a temporary table, so thousands of them cost little more than one.
 */
export async function findKnown(
  connection: DuckDBConnection,
  view: View,
  identities: readonly Identity[],
): Promise<Known[]> {
  const results: Known[] = identities.map(() => 'unknown')
  const joins = joinsFor(view, identities)
  if (joins.length === 0) return results
  await fillTemporary(connection, 'wanted', WANTED_TYPES, [
    identities.map((_, at) => BigInt(at)),
    identities.map(({ kind }) => kind),
    identities.map(({ device }) => device),
    identities.map(({ channel }) => channel),
    identities.map(({ seq }) => (seq === null ? null : BigInt(seq))),
    identities.map(({ timeNs }) => timeNs),
    identities.map(({ hash }) => hash),
    identities.map(({ position }) => BigInt(position)),
    identities.map(({ readingOrdinal }) => BigInt(readingOrdinal)),
  ])
  const found = await rowsOf(
    connection,
    `SELECT nth, bool_or(same) AS same FROM (${joins.join(' UNION ALL ')}) GROUP BY nth`,
  )
  for (const row of found) {
    results[numberIn(row, 'nth')] = row['same'] === true ? 'same' : 'other_content'
  }
  return results
}

function joinsFor(view: View, identities: readonly Identity[]): string[] {
  const spans = new Map<Identity['kind'], { min: bigint; max: bigint }>()
  for (const { kind, timeNs } of identities) {
    const span = spans.get(kind)
    if (!span) spans.set(kind, { min: timeNs, max: timeNs })
    else if (timeNs < span.min) span.min = timeNs
    else if (timeNs > span.max) span.max = timeNs
  }
  const joins: string[] = []
  for (const [kind, { min, max }] of spans) {
    for (const part of view.parts) {
      const extent = part.extents.get(kind)
      if (!extent || extent.maxNs < min || extent.minNs > max) continue
      joins.push(
        `SELECT w.nth, r.hash = w.hash AS same
         FROM ${identifier(part.name)}.${identifier(kind)} r JOIN temp.main.wanted w
           ON r.time_ns = w.time_ns AND r.device = w.device AND r.channel = w.channel
           AND r.seq IS NOT DISTINCT FROM w.seq
         WHERE w.kind = ${literal(kind)} AND r.time_ns >= ${min} AND r.time_ns <= ${max}
           AND (r.position < w.position OR (r.position = w.position AND r.idx < w.idx))`,
      )
    }
  }
  return joins
}
