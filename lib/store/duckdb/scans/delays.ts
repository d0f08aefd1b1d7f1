import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import type { DelaysScan } from '../../scans.ts'
import type { DelayRow } from '#lib/telemetry/delay.ts'
import type { TooMany } from '#lib/telemetry/too-many.ts'
import {
  COUNTS_FOR_LATENCY,
  COUNTS_FOR_VOLUME,
  IS_LATE,
  STAGE_VALUES,
} from '../figures/latency-values.ts'
import { fieldColumn } from '../write/columns.ts'
import {
  bigintIn,
  isOneOf,
  numberIn,
  numberOrNull,
  rowsOf,
  textIn,
  type Row,
} from '../files/sql.ts'
import { kindsIn, rawSource, scopeConditions } from './raw-source.ts'
import type { ScanContext } from './view.ts'

const RTT = fieldColumn('rttMs')

const COLUMNS = [
  'device',
  'channel',
  'seq',
  'time_ns',
  'received_ns',
  'position',
  'idx',
  'flags',
  'uplink_ms',
  'clock_bound_ms',
  RTT,
]

/**
 * Messages of a span in the order of arrival, per device and channel; several readings under one
 * number of one message are one. Those of other kinds than the scope's come too, unwanted, and so do
 * retained, will and replayed ones with a number, not live: they tell which numbers came
 * (docs/domain.md 5.3).
 */
export async function scanDelays(
  { connection, view }: ScanContext,
  { scope, fromNs, toNs, maxRows }: DelaysScan,
): Promise<readonly DelayRow[] | TooMany> {
  const rows = rawSource(view, {
    kinds: KIND_NAMES,
    span: { fromNs, toNs },
    columns: COLUMNS,
    where: [...scopeConditions(scope), `(${COUNTS_FOR_VOLUME} OR seq IS NOT NULL)`],
  })
  const isWanted = isOneOf('kind', kindsIn(scope))
  // Counted first: to sort far too many of them would take long and help nobody.
  const [counted] = await rowsOf(connection, `SELECT count(*) AS n FROM ${rows}`)
  if (counted && numberIn(counted, 'n') > maxRows) return { tooMany: true, limit: maxRows }
  const found = await rowsOf(
    connection,
    `SELECT device, channel, seq, time_ns, received_ns, uplink_ms, clock_bound_ms,
       ${STAGE_VALUES.rtt?.value ?? 'NULL::DOUBLE'} AS rtt_ms,
       ${COUNTS_FOR_LATENCY} AS counts,
       ${IS_LATE} AS late,
       (flags & ${FLAGS.clock_invalid}) = 0 AND received_ns <> time_ns AS timed,
       ${isWanted} AS wanted,
       ${COUNTS_FOR_VOLUME} AS live
     FROM ${rows}
     QUALIFY row_number() OVER (
       PARTITION BY device, channel, position, seq, time_ns
         ORDER BY NOT (${isWanted}), ${RTT} IS NULL, idx) = 1
     ORDER BY device, channel, position, idx`,
  )
  return found.map(delayRow)
}

function delayRow(row: Row): DelayRow {
  return {
    device: textIn(row, 'device'),
    channel: textIn(row, 'channel'),
    seq: numberOrNull(row, 'seq'),
    timeNs: bigintIn(row, 'time_ns'),
    receivedAtNs: bigintIn(row, 'received_ns'),
    uplinkMs: numberOrNull(row, 'uplink_ms'),
    clockBoundMs: numberOrNull(row, 'clock_bound_ms'),
    rttMs: numberOrNull(row, 'rtt_ms'),
    counts: row['counts'] === true,
    isLate: row['late'] === true,
    timed: row['timed'] === true,
    isWanted: row['wanted'] === true,
    live: row['live'] === true,
  }
}
