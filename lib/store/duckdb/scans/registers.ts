import type { DuckDBValue } from '@duckdb/node-api'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { FLAGS, flagNames } from '#lib/telemetry/flags.ts'
import type { RegisterRow } from '#lib/telemetry/heat.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { RegistersScan } from '../../scans.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { TooMany } from '#lib/telemetry/too-many.ts'
import { fieldColumn } from '../write/columns.ts'
import { literal } from '../files/sql.ts'
import { kindsIn, rawSource, scopeConditions } from './raw-source.ts'
import type { ScanContext } from './view.ts'

/*
 * Heat is the difference of a register at two moments, so of a quiet hour its first and last row
 * are enough. A cell in which anything happens is given whole, with the rows before and after it:
 * what a fall or a jump means is judged by its neighbours (lib/kpi/heat/heat-intervals.ts).
 */

const ENERGY = fieldColumn('energyKwh')
const METER = fieldColumn('meterId')
const STATUS = fieldColumn('status')
const HOURS = fieldColumn('operatingHoursH')

const COLUMNS = ['device', 'time_ns', 'position', 'idx', 'flags', ENERGY, METER, STATUS, HOURS]

/** Rows given before and after the span: enough to recognise a single wrong value. */
const NEAREST = 8
/** Rows after an event that its judgement may depend on; the rules look at two moments. */
const AFTER_EVENT = 6
/** Rows before a fall that it may take back (lib/kpi/heat/register-judge.ts). */
const BEFORE_EVENT = 4

/** Flags that change what a register is taken for. */
const TELLING = FLAGS.clock_invalid | FLAGS.sensor_error | FLAGS.implausible_jump

const ORDER = 'time_ns, position, idx'

export async function scanRegisters(
  context: ScanContext,
  query: RegistersScan,
): Promise<readonly RegisterRow[] | TooMany> {
  const { meters, maxRows, cellNs } = query
  if (meters.length === 0 || registerKinds(query).length === 0) return []
  const source = nearSql(context, query)
  const wanted = cellNs === null ? `SELECT * FROM near` : thinnedSql(cellNs)
  const result = await context.connection.run(
    `WITH near AS (${source}) SELECT ${RESULT_COLUMNS.join(', ')} FROM (${wanted})
     ORDER BY device, ${ORDER} LIMIT ${maxRows + 1}`,
  )
  // By columns: an object per row with all its names would cost more than the query itself.
  const [nths = [], ...columns] = await result.getColumns()
  if (nths.length > maxRows) return { tooMany: true, limit: maxRows }
  return nths.map((nth, at) => registerRow(meters[Number(nth)]?.device ?? '', columns, at))
}

/** `m_nth` is the meter: a number instead of the same text in every row. */
const RESULT_COLUMNS = ['m_nth', 'time_ns', ENERGY, METER, 'flags', STATUS, HOURS]

/** Kinds that have an energy register. */
function registerKinds({ scope }: Pick<RegistersScan, 'scope'>): readonly Kind[] {
  return kindsIn(scope).filter((kind) => Object.hasOwn(KINDS[kind].fields, 'energyKwh'))
}

/** The rows of the span, and the nearest before (zone 0) and after it (zone 2). */
function nearSql(context: ScanContext, query: RegistersScan): string {
  const { fromNs, toNs, lookNs, meters } = query
  const limits = meters.map(
    ({ device, limitKw, stepKwh }, nth) =>
      `(${literal(device)}, ${nth}, ${limitKw}::DOUBLE, ${stepKwh}::DOUBLE)`,
  )
  const rows = (span: Span) => sourceOf(context, query, span)
  const nearest = (near: Span, far: Span, direction: 'ASC' | 'DESC') =>
    `SELECT * FROM ${nearFirst(rows(near), rows(far))}
     QUALIFY row_number() OVER (PARTITION BY device
       ORDER BY ${ORDER.replaceAll(',', ` ${direction},`)} ${direction}) <= ${NEAREST}`
  const soonNs = NEAR_NS < lookNs ? NEAR_NS : lookNs
  const before = nearest(
    { fromNs: fromNs - soonNs, toNs: fromNs },
    { fromNs: fromNs - lookNs, toNs: fromNs - soonNs },
    'DESC',
  )
  const after = nearest(
    { fromNs: toNs, toNs: toNs + soonNs },
    { fromNs: toNs + soonNs, toNs: toNs + lookNs },
    'ASC',
  )
  return `SELECT * FROM (
      (SELECT *, 0 AS zone FROM (${before}))
      UNION ALL (SELECT *, 1 AS zone FROM ${rows({ fromNs, toNs })})
      UNION ALL (SELECT *, 2 AS zone FROM (${after})))
    JOIN (VALUES ${limits.join(', ')}) AS m(device, m_nth, limit_kw, step_kwh) USING (device)`
}

/** Most meters have their nearest rows within this; only of the others more is sorted. */
const NEAR_NS = 6n * 3_600_000_000_000n

/** Rows near an end of the span, and those farther away of devices that have too few near it. */
function nearFirst(near: string, far: string): string {
  return `(SELECT * FROM ${near} UNION ALL SELECT * FROM ${far} WHERE device NOT IN
    (SELECT device FROM ${near} GROUP BY device HAVING count(*) >= ${NEAREST}))`
}

function sourceOf({ view }: ScanContext, { scope }: RegistersScan, span: Span): string {
  const where = [...scopeConditions(scope), `${ENERGY} IS NOT NULL`]
  return rawSource(view, { kinds: registerKinds({ scope }), span, columns: COLUMNS, where })
}

const NS_PER_H = 3_600_000_000_000

/** Rows of `near` from which the heat of any bucket of whole cells can be computed. */
function thinnedSql(cellNs: bigint): string {
  const before = (column: string) => `lag(${column}) OVER w`
  const isTelling = `(flags & ${TELLING})`
  const isFaulty = `(flags & ${FLAGS.sensor_error}) <> 0 OR
    coalesce(upper(trim(${STATUS})), 'OK') NOT IN ('', 'OK')`
  const limit = (ns: string) => `limit_kw * (${ns}) / ${NS_PER_H} + step_kwh`
  const events = [
    `${ENERGY} < ${before(ENERGY)}`,
    `${ENERGY} - ${before(ENERGY)} >= 0.999999 * (${limit(`time_ns - ${before('time_ns')}`)})`,
    `time_ns = ${before('time_ns')}`,
    `${METER} IS DISTINCT FROM ${before(METER)}`,
    `${STATUS} IS DISTINCT FROM ${before(STATUS)}`,
    `${isTelling} <> ${before(isTelling)}`,
    `${HOURS} < ${before(HOURS)} OR (${HOURS} IS NULL) <> (${before(HOURS)} IS NULL)`,
    `(${isFaulty}) AND ${ENERGY} <> ${before(ENERGY)}`,
  ]
  return `SELECT * FROM (
      SELECT *, max(touched) OVER c AS has_event,
        max(${ENERGY}) OVER c - min(${ENERGY}) OVER c
          >= 0.999999 * (${limit('max(time_ns) OVER c - min(time_ns) OVER c')}) AS is_steep,
        row_number() OVER (PARTITION BY device, zone, cell ORDER BY ${ORDER}) AS nth,
        count(*) OVER c AS n
      FROM (
        SELECT *, max(happens::INTEGER) OVER (PARTITION BY device ORDER BY ${ORDER}
            ROWS BETWEEN ${AFTER_EVENT} PRECEDING AND ${BEFORE_EVENT} FOLLOWING) AS touched
        FROM (
          SELECT *, time_ns // ${cellNs} AS cell,
            lag(time_ns) OVER w IS NOT NULL AND (${events.map((one) => `coalesce(${one}, false)`).join(' OR ')}) AS happens
          FROM near WHERE ${ENERGY} >= 0
          WINDOW w AS (PARTITION BY device ORDER BY ${ORDER})))
      WINDOW c AS (PARTITION BY device, zone, cell))
    WHERE nth = 1 OR nth = n OR has_event = 1 OR (n > 1 AND is_steep)
    UNION ALL BY NAME
    SELECT * FROM near WHERE ${ENERGY} < 0
    QUALIFY row_number() OVER (PARTITION BY device, time_ns // ${cellNs} ORDER BY ${ORDER}) = 1`
}

function registerRow(
  device: FullId,
  columns: readonly (readonly DuckDBValue[])[],
  at: number,
): RegisterRow {
  const [timeNs, energyKwh, meterId, flags, status, operatingHoursH] = columns.map(
    (column) => column[at],
  )
  if (typeof timeNs !== 'bigint' || typeof energyKwh !== 'number') {
    throw new TypeError('expected a time and a register in every row, got none')
  }
  return {
    device,
    timeNs,
    energyKwh,
    meterId: typeof meterId === 'string' ? meterId : null,
    flags: flagNames(Number(flags)),
    status: typeof status === 'string' ? status : null,
    operatingHoursH: typeof operatingHoursH === 'number' ? operatingHoursH : null,
  }
}
