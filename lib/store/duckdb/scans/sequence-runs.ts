import { addRun, createSequence, type LossCounts, type SequenceRow } from '#lib/kpi/network/loss.ts'
import type { DuckDBConnection } from '@duckdb/node-api'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { FigureScan } from '../../scans.ts'
import type { Grouped } from '#lib/telemetry/grouping.ts'
import { inScope, type Scope } from '#lib/telemetry/scope.ts'
import {
  groupNames,
  groupOf,
  groupSelect,
  intervalSql,
  piecesOf,
  rolledUp,
} from '../figures/figure-source.ts'
import { channelKey } from '../figures/figures.ts'
import { keyValues } from '../figures/latency-values.ts'
import { createLossSums, type LossPart } from '../figures/loss-part.ts'
import { KEYS, groupOfKeys, type MinuteKey } from '../../figure-keys.ts'
import type { ChannelSequence } from '../../sequences.ts'
import { bigintIn, numberIn, rowsOf, textIn, textOrNull, type Row } from '../files/sql.ts'
import { MINUTE_NS, ceilTo, floorTo } from '#lib/telemetry/time-grid.ts'
import { rawSource } from './raw-source.ts'
import type { ScanContext, View } from './view.ts'

/** Loss per group and interval: what is rolled up, and what the rows since then add. */
export async function scanSequenceRuns(
  context: ScanContext,
  scan: FigureScan,
): Promise<SequenceRow[]> {
  const span = { fromNs: floorTo(scan.fromNs, MINUTE_NS), toNs: ceilTo(scan.toNs, MINUTE_NS) }
  const { view, connection } = context
  const { by, everyNs, scope } = scan
  // Before anything is waited for: of the moment of the view.
  const followed = view.lossAfterRollUp()
  const sums = new Map<string, SequenceRow>()
  for (const row of await rolledLoss(context, { ...scan, ...span })) {
    const timeNs = everyNs === null ? null : bigintIn(row, 'interval_ns')
    addTo(sums, { group: groupOf(row, by), timeNs }, countsIn(row))
  }
  const pending = followed ?? (await lossAfter(connection, view, null))
  for (const { key, ...counts } of pending.changes) {
    const timeNs = BigInt(key.minute) * MINUTE_NS
    if (timeNs < span.fromNs || timeNs >= span.toNs || !isInScope(key, scope)) continue
    const at = everyNs === null ? null : floorTo(timeNs, everyNs)
    addTo(sums, { group: groupOfKeys(key.keys, by), timeNs: at }, counts)
  }
  return [...sums.values()]
}

function isInScope({ keys: [device, kind] }: MinuteKey, scope: Scope): boolean {
  if (!device || !inScope(scope, device)) return false
  return !scope.kinds || scope.kinds.some((one) => one === kind)
}

async function rolledLoss({ connection, view }: ScanContext, query: FigureScan): Promise<Row[]> {
  const { by, everyNs } = query
  // Loss has no finer grain than a minute, so shorter intervals are made of whole minutes as well.
  const grain = everyNs !== null && everyNs < MINUTE_NS ? MINUTE_NS : everyNs
  const pieces = piecesOf(view, { ...query, everyNs: grain })
  const columns = ['received', 'lost', 'restarts']
  const groups = groupNames(by)
  const rolled = rolledUp('counts', columns, query, pieces)
  if (rolled.length === 0) return []
  return rowsOf(
    connection,
    `SELECT ${intervalSql(everyNs)} AS interval_ns, ${groupSelect(query)}
       sum(received)::BIGINT AS received, sum(lost)::BIGINT AS lost,
       sum(restarts)::BIGINT AS restarts
     FROM (${rolled.join('\n UNION ALL ')}) GROUP BY ${groups}`,
  )
}

/**
 * Loss of the rows after the roll-up, up to a position (null: all of them). DuckDB cuts the series
 * of each channel into runs of consecutive numbers under one key.
 */
export async function lossAfter(
  connection: DuckDBConnection,
  view: View,
  upTo: number | null,
): Promise<LossPart> {
  if (!view.parts.some((part) => part.position > view.rolled)) {
    return { changes: [], channels: new Map() }
  }
  const changed = new Map<string, ChannelSequence>()
  const sums = createLossSums()
  for (const row of await rowsOf(connection, runsSql(view, upTo))) {
    const name = channelKey(textIn(row, 'device'), textIn(row, 'channel'))
    const from = numberIn(row, 'first')
    const run = {
      from,
      to: from + numberIn(row, 'n') - 1,
      key: { minute: numberIn(row, 'minute'), keys: KEYS.map((name) => textOrNull(row, name)) },
      live: row['live'] === true,
    }
    const known = changed.get(name) ?? view.channels.get(name) ?? createSequence<MinuteKey>()
    changed.set(name, addRun(known, run, sums.count))
  }
  return { changes: sums.changes(), channels: changed }
}

const RUN_COLUMNS = [
  'time_ns',
  'position',
  'idx',
  'device',
  'channel',
  'seq',
  'flags',
  'r_rat',
  'r_cellId',
  'r_operator',
  'r_band',
]

const EVERYTHING = { fromNs: -(2n ** 62n), toNs: 2n ** 62n }

function runsSql(view: View, upTo: number | null): string {
  const { rolled } = view
  const rows = rawSource(view, {
    kinds: KIND_NAMES,
    span: EVERYTHING,
    columns: RUN_COLUMNS,
    where: [
      'seq IS NOT NULL',
      `position > ${rolled}${upTo === null ? '' : ` AND position <= ${upTo}`}`,
    ],
    needs: (part) => part.position > rolled,
  })
  const key = ['minute', 'live', ...KEYS]
  const breaks = key.map((name) => `lag(${name}) OVER w IS DISTINCT FROM ${name}`)
  // Of the sorted rows only those that begin a run, and the last of a channel, go on: few.
  return `WITH series AS (
      SELECT channel, seq, position * 65536 + idx AS arrival, time_ns // ${MINUTE_NS} AS minute,
        (flags & ${FLAGS.not_live}) = 0 AS live, ${keyValues('device')} FROM ${rows}),
    marked AS (
      SELECT *, row_number() OVER w AS nth, lead(arrival) OVER w IS NULL AS ends,
        lag(seq) OVER w IS DISTINCT FROM seq - 1 OR ${breaks.join(' OR ')} AS starts
      FROM series WINDOW w AS (PARTITION BY device, channel ORDER BY arrival)),
    cut AS (
      SELECT *, lead(nth) OVER w AS next_nth, lead(starts) OVER w AS next_starts
      FROM marked WHERE starts OR ends
      WINDOW w AS (PARTITION BY device, channel ORDER BY arrival))
    SELECT channel, seq AS first, ${key.join(', ')},
      CASE WHEN next_nth IS NULL THEN 1 WHEN next_starts THEN next_nth - nth
        ELSE next_nth - nth + 1 END AS n
    FROM cut WHERE starts ORDER BY device, channel, arrival`
}

function addTo(
  sums: Map<string, SequenceRow>,
  { group, timeNs }: Grouped,
  { received, lost, restarts }: LossCounts,
): void {
  const key = JSON.stringify([String(timeNs), group])
  const known = sums.get(key)
  sums.set(key, {
    group,
    timeNs,
    received: (known?.received ?? 0) + received,
    lost: (known?.lost ?? 0) + lost,
    restarts: (known?.restarts ?? 0) + restarts,
  })
}

function countsIn(row: Row): LossCounts {
  return {
    received: numberIn(row, 'received'),
    lost: numberIn(row, 'lost'),
    restarts: numberIn(row, 'restarts'),
  }
}
