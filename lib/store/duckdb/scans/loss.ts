import type { DuckDBConnection } from '@duckdb/node-api'
import { KIND_NAMES, type Kind } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { FigureScan, LossRow } from '../../scans.ts'
import type { Grouping } from '#lib/telemetry/grouping.ts'
import { inScope } from '#lib/telemetry/scope.ts'
import { tenantOf } from '#lib/telemetry/ids.ts'
import { groupNames, groupOf, groupSelect, piecesOf, rolledUp } from '../figures/figure-source.ts'
import { channelKey } from '../figures/figures.ts'
import { KEYS } from './grain.ts'
import { keyValues } from './latency-values.ts'
import { createLossSums, type LossPart } from '../figures/loss-part.ts'
import {
  addRun,
  emptyChannel,
  type ChannelRun,
  type LossDelta,
  type Place,
} from '../../loss-runs.ts'
import { bigintIn, numberIn, rowsOf, textIn, textOrNull, type Row } from '../files/sql.ts'
import { MINUTE_NS, ceilTo, floorTo, intervalSql } from '../../time-grid.ts'
import { rawSource, type ScanContext, type View } from './view.ts'

/**
 * Loss per group and interval, by sequence numbers in the order of arrival over all kinds of a
 * channel. Answered for whole minutes: those that the span touches. A gap counts where the next
 * number was measured.
 */
export async function scanLoss(context: ScanContext, query: FigureScan): Promise<LossRow[]> {
  const span = { fromNs: floorTo(query.fromNs, MINUTE_NS), toNs: ceilTo(query.toNs, MINUTE_NS) }
  const whole = { ...query, ...span }
  // Before anything is waited for: of the moment of the view.
  const behind = context.view.lossBehind()
  const sums = new Map<string, Sum>()
  for (const row of await rolledLoss(context, whole)) {
    const timeNs = query.everyNs === null ? null : bigintIn(row, 'interval_ns')
    addTo(sums, { group: groupOf(row, query.by), timeNs }, deltaIn(row))
  }
  const { view, connection } = context
  const pending = behind ?? (await lossAfter(connection, view, null))
  for (const delta of pending.deltas) {
    const { minute, keys } = delta.place
    const timeNs = BigInt(minute) * MINUTE_NS
    const [device, kind] = keys
    if (timeNs < span.fromNs || timeNs >= span.toNs || !device) continue
    if (!inScope(query.scope, device)) continue
    if (query.scope.kinds && !query.scope.kinds.includes(kind as Kind)) continue
    const { everyNs } = query
    const at = everyNs === null ? null : floorTo(timeNs, everyNs)
    addTo(sums, { group: groupOfPlace(delta.place, query.by), timeNs: at }, delta)
  }
  return [...sums.values()].flatMap(lossRow).toSorted(byTimeAndGroup)
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
 * Loss of the rows behind the roll-up, up to a position (null: all of them). DuckDB cuts the series
 * of each channel into runs of consecutive numbers in one minute and place.
 */
export async function lossAfter(
  connection: DuckDBConnection,
  view: View,
  upTo: number | null,
): Promise<LossPart> {
  if (!view.parts.some((part) => part.position > view.rolled)) {
    return { deltas: [], channels: new Map() }
  }
  const changed = new Map<string, ChannelRun>()
  const sums = createLossSums()
  for (const row of await rowsOf(connection, runsSql(view, upTo))) {
    const key = channelKey(textIn(row, 'device'), textIn(row, 'channel'))
    const from = numberIn(row, 'first')
    const run = {
      from,
      to: from + numberIn(row, 'n') - 1,
      place: { minute: numberIn(row, 'minute'), keys: KEYS.map((name) => textOrNull(row, name)) },
      live: row['live'] === true,
    }
    const known = changed.get(key) ?? view.channels.get(key) ?? emptyChannel()
    changed.set(key, addRun(known, run, sums.count))
  }
  return { deltas: sums.deltas(), channels: changed }
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
  const place = ['minute', 'live', ...KEYS]
  const breaks = place.map((name) => `lag(${name}) OVER w IS DISTINCT FROM ${name}`)
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
    SELECT channel, seq AS first, ${place.join(', ')},
      CASE WHEN next_nth IS NULL THEN 1 WHEN next_starts THEN next_nth - nth
        ELSE next_nth - nth + 1 END AS n
    FROM cut WHERE starts ORDER BY device, channel, arrival`
}

interface Sum extends LossDelta {
  readonly group: Readonly<Partial<Record<Grouping, string | null>>>
  readonly timeNs: bigint | null
}

function addTo(
  sums: Map<string, Sum>,
  { group, timeNs }: Pick<Sum, 'group' | 'timeNs'>,
  { received, lost, restarts }: LossDelta,
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

function deltaIn(row: Row): LossDelta {
  return {
    received: numberIn(row, 'received'),
    lost: numberIn(row, 'lost'),
    restarts: numberIn(row, 'restarts'),
  }
}

function groupOfPlace({ keys }: Place, by: readonly Grouping[]): Sum['group'] {
  const values: Partial<Record<Grouping, string | null>> = {}
  for (const name of by) {
    values[name] = name === 'tenant' ? tenantOf(keys[0] ?? '') : (keys[KEYS.indexOf(name)] ?? null)
  }
  return values
}

function lossRow({ group, timeNs, received, lost, restarts }: Sum): LossRow[] {
  const expected = received + lost
  if (expected === 0 && restarts === 0) return []
  const lossRatio = expected === 0 ? null : lost / expected
  return [{ group, timeNs, expected, received, lost, lossRatio, restarts }]
}

function byTimeAndGroup(a: LossRow, b: LossRow): number {
  if (a.timeNs !== b.timeNs) return (a.timeNs ?? 0n) < (b.timeNs ?? 0n) ? -1 : 1
  return JSON.stringify(a.group) < JSON.stringify(b.group) ? -1 : 1
}
