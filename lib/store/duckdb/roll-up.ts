import type { DuckDBConnection } from '@duckdb/node-api'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import type { Buckets } from '../options.ts'
import { rawCounts } from './figure-source.ts'
import { COUNTS, FIGURES, KEYS, TEMPORARY_TYPES, fillTemporary } from './figures.ts'
import { LATENCY_COLUMNS, STAGE_VALUES, latencyValues } from './latency-values.ts'
import { lossAfter } from './loss.ts'
import type { LossPart } from './loss-part.ts'
import { freezeChannel } from '../loss-runs.ts'
import type { Session } from './session.ts'
import { HOUR_NS, MINUTE_NS, floorTo } from '../time-grid.ts'
import { rawSource, withView, type View } from './view.ts'

/**
 * Derives the figures of the raw rows behind the roll-up, up to a position not above `settled`, below
 * which every row is in its file. One transaction, with the position: a crash leaves all of it or nothing.
 */
export async function rollUp(
  session: Session,
  buckets: Buckets,
  { upTo, settled }: { readonly upTo: number; readonly settled: number },
): Promise<void> {
  const { writer, figures, lossTail } = session
  await withView(session, async (view) => {
    const followed = lossTail.between(view.rolled, upTo, view.channels)
    const loss = followed ?? (await lossAfter(writer, view, upTo))
    await fillLoss(writer, loss)
    const rows = rawSource(view, sourceUpTo(view, upTo))
    await writer.run(
      [
        'BEGIN',
        `INSERT INTO ${FIGURES}.minute_counts ${countsSql(rows, upTo)}`,
        `INSERT INTO ${FIGURES}.minute_latency ${latencySql(rows, upTo, buckets)}`,
        `DELETE FROM ${FIGURES}.channels WHERE (device, channel) IN
           (SELECT (device, channel) FROM temp.main.channel_part)`,
        `INSERT INTO ${FIGURES}.channels SELECT * FROM temp.main.channel_part`,
        `UPDATE ${FIGURES}.progress SET rolled = ${upTo}`,
        'COMMIT',
      ].join(';\n'),
    )
    // A question under way keeps the map of its position.
    figures.channels = new Map([...figures.channels, ...loss.channels])
    figures.rolled = upTo
    figures.dirty = true
    if (upTo === settled) lossTail.begin(upTo)
  })
}

function sourceUpTo({ rolled }: View, upTo: number) {
  return {
    kinds: KIND_NAMES,
    span: { fromNs: -(2n ** 62n), toNs: 2n ** 62n },
    columns: [...LATENCY_COLUMNS, 'bytes'],
    where: [`position > ${rolled} AND position <= ${upTo}`],
    needs: ({ position }: { readonly position: number }) => position > rolled,
  }
}

async function fillLoss(writer: DuckDBConnection, loss: LossPart): Promise<void> {
  const places = loss.deltas.map(({ place }) => place)
  await fillTemporary(writer, 'loss_part', TEMPORARY_TYPES.loss_part, [
    places.map(({ minute }) => BigInt(minute) * MINUTE_NS),
    ...KEYS.map((_, at) => places.map(({ keys }) => keys[at] ?? null)),
    loss.deltas.map(({ received }) => BigInt(received)),
    loss.deltas.map(({ lost }) => BigInt(lost)),
    loss.deltas.map(({ restarts }) => BigInt(restarts)),
  ])
  const keys = [...loss.channels.keys()]
  await fillTemporary(writer, 'channel_part', TEMPORARY_TYPES.channel_part, [
    keys.map((key) => key.slice(0, key.indexOf(' '))),
    keys.map((key) => key.slice(key.indexOf(' ') + 1)),
    [...loss.channels.values()].map(freezeChannel),
  ])
}

const KEY_LIST = KEYS.join(', ')
const SUMS = COUNTS.map((name) => `sum(${name})::BIGINT AS ${name}`).join(', ')

function countsSql(rows: string, upTo: number): string {
  return `SELECT time_ns - time_ns % ${MINUTE_NS} AS minute_ns, ${upTo}, ${KEY_LIST}, ${SUMS} FROM (
      ${rawCounts(rows)}
      UNION ALL SELECT time_ns, ${KEY_LIST}, 0, 0, 0, 0, received, lost, restarts
        FROM temp.main.loss_part)
    GROUP BY minute_ns, ${KEY_LIST}`
}

const STAGES = ['age', 'uplink', 'rtt'].filter(isStage)

function isStage(name: string): name is keyof typeof STAGE_VALUES {
  return Object.hasOwn(STAGE_VALUES, name)
}

function latencySql(rows: string, upTo: number, buckets: Buckets): string {
  return `SELECT time_ns - time_ns % ${MINUTE_NS} AS minute_ns, ${upTo}, ${KEY_LIST}, stage,
      ${buckets.bucketSql('ms')} AS bucket, count(*), count(*) FILTER (WHERE ms < 0), max(ms),
      max(bound_ms)
    FROM ${latencyValues(rows, STAGES)} GROUP BY minute_ns, ${KEY_LIST}, stage, bucket`
}

/** Adds the minutes that are not in the hours yet, and moves the position with them. */
export async function rollHours({ writer, figures }: Session): Promise<void> {
  const { rolled, hoursRolled } = figures
  if (rolled <= hoursRolled) return
  const fresh = `FROM ${FIGURES}.minute_XX WHERE upto > ${hoursRolled} AND upto <= ${rolled}`
  const hour = `time_ns - time_ns % ${HOUR_NS} AS hour_ns`
  await writer.run(
    [
      'BEGIN',
      `INSERT INTO ${FIGURES}.hour_counts SELECT ${hour}, ${rolled}, ${KEY_LIST}, ${SUMS}
         ${fresh.replace('XX', 'counts')} GROUP BY hour_ns, ${KEY_LIST}`,
      `INSERT INTO ${FIGURES}.hour_latency SELECT ${hour}, ${rolled}, ${KEY_LIST}, stage, bucket,
           sum(n)::BIGINT, sum(negative)::BIGINT, max(max_ms), max(bound_ms)
         ${fresh.replace('XX', 'latency')} GROUP BY hour_ns, ${KEY_LIST}, stage, bucket`,
      `UPDATE ${FIGURES}.progress SET hours_rolled = ${rolled}`,
      'COMMIT',
    ].join(';\n'),
  )
  figures.hoursRolled = rolled
  figures.dirty = true
}

/** Removes minutes and hours past their retention; minutes only once the hours have them. */
export async function expireFigures(
  { writer, figures }: Session,
  before: { readonly minutesNs: bigint; readonly hoursNs: bigint },
): Promise<void> {
  const floorNs = floorTo(before.minutesNs, HOUR_NS)
  if (floorNs <= figures.minuteFloorNs) return
  const { hoursRolled } = figures
  const minutes = `time_ns < ${floorNs} AND upto <= ${hoursRolled}`
  await writer.run(
    [
      'BEGIN',
      `DELETE FROM ${FIGURES}.minute_counts WHERE ${minutes}`,
      `DELETE FROM ${FIGURES}.minute_latency WHERE ${minutes}`,
      `DELETE FROM ${FIGURES}.hour_counts WHERE time_ns < ${before.hoursNs}`,
      `DELETE FROM ${FIGURES}.hour_latency WHERE time_ns < ${before.hoursNs}`,
      `UPDATE ${FIGURES}.progress SET minute_floor_ns = ${floorNs}`,
      'COMMIT',
    ].join(';\n'),
  )
  figures.minuteFloorNs = floorNs
  figures.dirty = true
}
