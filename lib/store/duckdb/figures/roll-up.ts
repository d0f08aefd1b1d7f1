import type { DuckDBConnection } from '@duckdb/node-api'
import { bucketSql } from '#lib/kpi/buckets.ts'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { rawCounts } from './figure-source.ts'
import { TEMPORARY_TYPES, fillTemporary, ofTenants, progressSql } from './figures.ts'
import { FIGURES, GRAINS, STEPS, keysOf, tableOf, type Grain, type Step } from './grain.ts'
import { LATENCY_COLUMNS, STAGE_VALUES, latencyValues } from './latency-values.ts'
import { lossAfter } from '../scans/sequence-runs.ts'
import type { LossPart } from './loss-part.ts'
import { COUNTS, KEYS } from '../../figure-keys.ts'
import { formatSequence } from '../../sequences.ts'
import type { Session } from '../files/session.ts'
import { HOUR_NS, MINUTE_NS, floorTo } from '#lib/telemetry/time-grid.ts'
import type { Part } from '../files/part.ts'
import { rawSource } from '../scans/raw-source.ts'
import { withView, type View } from '../scans/view.ts'

/**
 * Derives the figures of the raw rows after the roll-up, up to a position not above `committed`, below
 * which every row is in its file: all but the latency of single devices. One transaction, with the
 * position: a crash leaves all of it or nothing.
 */
export async function rollUp(
  session: Session,
  { upTo, committed }: { readonly upTo: number; readonly committed: number },
): Promise<void> {
  const { writer, figures, lossTail } = session
  await withView(session, async (view) => {
    const followed = lossTail.between(view.rolled, upTo, view.channels)
    const loss = followed ?? (await lossAfter(writer, view, upTo))
    await fillLoss(writer, loss)
    const rows = rawSource(view, sourceBetween(view.rolled, upTo))
    const counts = tableOf('minute', 'device', 'counts')
    const { columns, groups } = ofTenants('counts')
    await writer.run(
      [
        'BEGIN',
        `INSERT INTO ${counts} ${countsSql(rows, upTo)}`,
        `INSERT INTO ${tableOf('minute', 'tenant', 'counts')}
           SELECT ${columns} FROM ${counts} WHERE upto = ${upTo} GROUP BY ${groups}`,
        insertLatency(rows, upTo, { step: 'minute', grain: 'tenant' }),
        `DELETE FROM ${FIGURES}.channels WHERE (device, channel) IN
           (SELECT (device, channel) FROM temp.main.channel_part)`,
        `INSERT INTO ${FIGURES}.channels SELECT * FROM temp.main.channel_part`,
        progressSql(figures, { rolled: upTo }),
        'COMMIT',
      ].join(';\n'),
    )
    // A scan under way keeps the map of its position.
    figures.channels = new Map([...figures.channels, ...loss.channels])
    figures.rolled = upTo
    figures.dirty = true
    if (upTo === committed) lossTail.begin(upTo)
  })
}

/** Derives the hours of the latency of single devices from raw rows, up to a rolled position. */
export async function rollDeviceLatency(session: Session, upTo: number): Promise<void> {
  const { writer, figures } = session
  const { latencyRolled } = figures
  if (upTo <= latencyRolled) return
  await withView(session, async (view) => {
    const rows = rawSource(view, sourceBetween(latencyRolled, upTo))
    await writer.run(
      [
        'BEGIN',
        insertLatency(rows, upTo, { step: 'hour', grain: 'device' }),
        progressSql(figures, { latencyRolled: upTo }),
        'COMMIT',
      ].join(';\n'),
    )
  })
  figures.latencyRolled = upTo
  figures.dirty = true
}

/**
 * The minutes of the latency of single devices of one partition, as a statement: made when its raw
 * rows, which stood for them, are about to go before their time.
 */
export function keepMinutesSql(view: View, part: Part): string {
  const rows = rawSource({ ...view, parts: [part] }, sourceBetween(0, part.position))
  return insertLatency(rows, part.position, { step: 'minute', grain: 'device' })
}

function sourceBetween(from: number, upTo: number) {
  return {
    kinds: KIND_NAMES,
    span: ALL_TIMES,
    columns: [...LATENCY_COLUMNS, 'bytes'],
    where: [`position > ${from} AND position <= ${upTo}`],
    needs: ({ position }: { readonly position: number }) => position > from,
  }
}

async function fillLoss(writer: DuckDBConnection, loss: LossPart): Promise<void> {
  const minutes = loss.changes.map(({ key }) => key)
  await fillTemporary(writer, 'loss_part', TEMPORARY_TYPES.loss_part, [
    minutes.map(({ minute }) => BigInt(minute) * MINUTE_NS),
    ...KEYS.map((_, at) => minutes.map(({ keys }) => keys[at] ?? null)),
    loss.changes.map(({ received }) => BigInt(received)),
    loss.changes.map(({ lost }) => BigInt(lost)),
    loss.changes.map(({ restarts }) => BigInt(restarts)),
  ])
  const keys = [...loss.channels.keys()]
  await fillTemporary(writer, 'channel_part', TEMPORARY_TYPES.channel_part, [
    keys.map((key) => key.slice(0, key.indexOf(' '))),
    keys.map((key) => key.slice(key.indexOf(' ') + 1)),
    [...loss.channels.values()].map(formatSequence),
  ])
}

const KEY_LIST = KEYS.join(', ')
const SUMS = COUNTS.map((name) => `sum(${name})::BIGINT AS ${name}`).join(', ')

function countsSql(rows: string, upTo: number): string {
  return `SELECT time_ns - time_ns % ${MINUTE_NS} AS minute_ns, ${upTo}, ${KEY_LIST}, ${SUMS} FROM (
      ${rawCounts(rows, 'device')}
      UNION ALL SELECT time_ns, ${KEY_LIST}, 0, 0, 0, 0, received, lost, restarts
        FROM temp.main.loss_part)
    GROUP BY minute_ns, ${KEY_LIST}`
}

const STAGES = ['age', 'uplink', 'rtt'].filter(isStage)

function isStage(name: string): name is keyof typeof STAGE_VALUES {
  return Object.hasOwn(STAGE_VALUES, name)
}

function insertLatency(
  rows: string,
  upTo: number,
  { step, grain }: { readonly step: Step; readonly grain: Grain },
): string {
  const keys = keysOf(grain).join(', ')
  return `INSERT INTO ${tableOf(step, grain, 'latency')}
    SELECT time_ns - time_ns % ${STEP_NS[step]} AS step_ns, ${upTo}, ${keys}, stage,
      ${bucketSql('ms')} AS bucket, count(*), count(*) FILTER (WHERE ms < 0), max(ms),
      max(bound_ms), count(*) FILTER (WHERE is_late)
    FROM ${latencyValues(rows, grain, STAGES)} GROUP BY step_ns, ${keys}, stage, bucket`
}

const STEP_NS: Readonly<Record<Step, bigint>> = { minute: MINUTE_NS, hour: HOUR_NS }
const ALL_TIMES = { fromNs: -(2n ** 62n), toNs: 2n ** 62n }

/** Adds the minutes that are not in the hours yet, and moves the position with them. */
export async function rollHours({ writer, figures }: Session): Promise<void> {
  const { rolled, hoursRolled } = figures
  if (rolled <= hoursRolled) return
  await writer.run(
    [
      'BEGIN',
      ...GRAINS.flatMap((grain) => hoursSql(grain, hoursRolled, rolled)),
      progressSql(figures, { hoursRolled: rolled }),
      'COMMIT',
    ].join(';\n'),
  )
  figures.hoursRolled = rolled
  figures.dirty = true
}

function hoursSql(grain: Grain, after: number, upTo: number): readonly string[] {
  const keys = keysOf(grain).join(', ')
  const hour = `time_ns - time_ns % ${HOUR_NS} AS hour_ns`
  const fresh = `WHERE upto > ${after} AND upto <= ${upTo} GROUP BY hour_ns, ${keys}`
  const counts = `INSERT INTO ${tableOf('hour', grain, 'counts')}
    SELECT ${hour}, ${upTo}, ${keys}, ${SUMS} FROM ${tableOf('minute', grain, 'counts')} ${fresh}`
  // The hours of single devices come from raw rows.
  if (grain === 'device') return [counts]
  return [
    counts,
    `INSERT INTO ${tableOf('hour', grain, 'latency')} SELECT ${hour}, ${upTo}, ${keys}, stage, bucket,
         sum(n)::BIGINT, sum(negative)::BIGINT, max(max_ms), max(bound_ms),
         sum(late)::BIGINT
       FROM ${tableOf('minute', grain, 'latency')} ${fresh}, stage, bucket`,
  ]
}

/** Removes minutes and hours past their retention; minutes only once the hours have them. */
export async function expireFigures(
  { writer, figures }: Session,
  before: { readonly minutesNs: bigint; readonly hoursNs: bigint },
): Promise<void> {
  const floorNs = floorTo(before.minutesNs, HOUR_NS)
  if (floorNs <= figures.minuteFloorNs) return
  const { hoursRolled } = figures
  const gone = {
    minute: `time_ns < ${floorNs} AND upto <= ${hoursRolled}`,
    hour: `time_ns < ${before.hoursNs}`,
  }
  const deletions = STEPS.flatMap((step) =>
    GRAINS.flatMap((grain) =>
      (['counts', 'latency'] as const).map(
        (what) => `DELETE FROM ${tableOf(step, grain, what)} WHERE ${gone[step]}`,
      ),
    ),
  )
  await writer.run(
    ['BEGIN', ...deletions, progressSql(figures, { minuteFloorNs: floorNs }), 'COMMIT'].join(';\n'),
  )
  figures.minuteFloorNs = floorNs
  figures.dirty = true
}
