import {
  NEAREST,
  type CounterReading,
  type CounterSource,
} from '#lib/kpi/counter/counter-deltas.ts'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { FLAGS, flagNames } from '#lib/telemetry/flags.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { DAY_NS } from '#lib/telemetry/time-grid.ts'
import { allOf, identifier, isOneOf, literal, readingsWithin } from '../client/influxql.ts'
import { pagesOf } from '../client/pages.ts'
import { fieldKey } from '../write/reading-point.ts'
import { rangeConditions } from './range-conditions.ts'
import {
  bigintIn,
  isReading,
  numberIn,
  numberOrNull,
  rowsOf,
  textIn,
  textOrNull,
  type Row,
} from './rows.ts'
import type { ScanContext } from './view.ts'

/** The last reading before a span is looked for as far back as anything is kept. */
const BEFORE_NS = 100n * 366n * DAY_NS
const AFTER_NS = 7n * DAY_NS

interface Counter {
  readonly kind: Kind
  readonly name: string
  readonly span: Span
}

/** Readings of one counter of one kind, within a span and beside it. */
export function influxCounter(context: ScanContext, counter: Counter): CounterSource {
  const { influx, signal } = context
  const { kind, name, span } = counter
  const { fromNs, toNs } = span
  const conditions = [...rangeConditions(kind, name), ...isThere(name)]
  const nearest = async (devices: readonly FullId[], of: Span, order: 'ASC' | 'DESC') => {
    // Twice as many: within a millisecond the order of the points is not that of the times.
    const statements = devices.map(
      (device) => `SELECT ${columnsOf(kind, name)} FROM ${identifier(kind)}
        WHERE ${allOf([...readingsWithin(of), `"device" = ${literal(device)}`, ...conditions])}
        ORDER BY time ${order} LIMIT ${2 * NEAREST}`,
    )
    const found = await influx.queryEach(statements, signal)
    return found.flatMap((series) => {
      const rows = placed(rowsOf(series), name)
      return order === 'DESC' ? rows.slice(-NEAREST) : rows.slice(0, NEAREST)
    })
  }

  return {
    before: (devices) => nearest(devices, { fromNs: fromNs - BEFORE_NS, toNs: fromNs }, 'DESC'),
    after: (devices) => nearest(devices, { fromNs: toNs, toNs: toNs + AFTER_NS }, 'ASC'),
    async fallen(devices) {
      const where = [...readingsWithin(span), isOneOf('device', devices) ?? '', ...conditions]
      const from = `${identifier(kind)} WHERE ${allOf(where)}`
      const change = `difference(${identifier(fieldKey(name))})`
      // Two values of one moment have an order only as they are judged.
      const [falls = [], together = []] = await influx.queryEach(
        [
          `SELECT min("by") AS "by" FROM (SELECT ${change} AS "by" FROM ${from} GROUP BY "device")
             GROUP BY "device"`,
          `SELECT count("flags") AS "n" FROM ${from} AND ("flags" & ${FLAGS.duplicate_time}) > 0
             GROUP BY "device"`,
        ],
        signal,
      )
      const fallen = rowsOf(falls).filter((row) => (numberOrNull(row, 'by') ?? 0) < 0)
      return [...fallen, ...rowsOf(together)].map((row) => textIn(row, 'device'))
    },
    async *readings(devices) {
      const selection = { measurement: kind, columns: columnsOf(kind, name), span, exact: true }
      for (const device of devices) {
        const where = [`"device" = ${literal(device)}`, ...conditions]
        for await (const rows of pagesOf(influx, { ...selection, where }, signal)) {
          yield placed(rows, name)
        }
      }
    },
  }
}

/** The comparison leaves out readings without a value. */
function isThere(name: string): string[] {
  const column = identifier(fieldKey(name))
  return [`(${column} >= 0 OR ${column} < 0)`]
}

/** What a meter says beside its register. */
const METER_FIELDS = ['meterId', 'status', 'operatingHoursH']

function columnsOf(kind: Kind, name: string): string {
  const own = METER_FIELDS.filter((one) => Object.hasOwn(KINDS[kind].fields, one))
  const names = ['timeNs', 'position', 'index', 'flags', ...new Set([name, ...own].map(fieldKey))]
  return [...names.map((one) => `${identifier(one)}::field`), '"device"::tag'].join(', ')
}

/** Readings in the order of their exact times. */
function placed(rows: readonly Row[], name: string): CounterReading[] {
  return rows
    .filter(isReading)
    .map((row) => ({ row, timeNs: bigintIn(row, 'timeNs') }))
    .toSorted(byPlace)
    .map(({ row, timeNs }) => ({
      device: textIn(row, 'device'),
      timeNs,
      energyKwh: numberIn(row, fieldKey(name)),
      meterId: textOrNull(row, 'meterId'),
      flags: flagNames(numberIn(row, 'flags')),
      status: textOrNull(row, 'status'),
      operatingHoursH: numberOrNull(row, 'operatingHoursH'),
    }))
}

interface Placed {
  readonly row: Row
  readonly timeNs: bigint
}

function byPlace(a: Placed, b: Placed): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1
  const [atA, atB] = [a.row, b.row].map((row) => [
    numberIn(row, 'position'),
    numberIn(row, 'index'),
  ])
  return (atA?.[0] ?? 0) - (atB?.[0] ?? 0) || (atA?.[1] ?? 0) - (atB?.[1] ?? 0)
}
