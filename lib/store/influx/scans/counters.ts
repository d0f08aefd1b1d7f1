import {
  NEAREST,
  type CounterReading,
  type CounterSource,
} from '#lib/kpi/counter/counter-deltas.ts'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { flagNames } from '#lib/telemetry/flags.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { DAY_NS } from '#lib/telemetry/time-grid.ts'
import { allOf, identifier, isOneOf, literal, readingsWithin } from '../client/influxql.ts'
import { pagesOf } from '../client/pages.ts'
import { fieldKey } from '../write/reading-point.ts'
import { flagsWith } from './flag-values.ts'
import { rangeConditions } from './range-conditions.ts'
import {
  bigintIn,
  numberIn,
  numberOrNull,
  ownColumns,
  ownReadings,
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
      const rows = placed(context, counter, rowsOf(series))
      return order === 'DESC' ? rows.slice(-NEAREST) : rows.slice(0, NEAREST)
    })
  }

  return {
    before: (devices) => nearest(devices, { fromNs: fromNs - BEFORE_NS, toNs: fromNs }, 'DESC'),
    after: (devices) => nearest(devices, { fromNs: toNs, toNs: toNs + AFTER_NS }, 'ASC'),
    async fallen(devices) {
      const where = [...readingsWithin(span), isOneOf('device', devices) ?? '', ...conditions]
      const twice = await flagsWith('duplicate_time', context, { kind, where })
      const from = `${identifier(kind)} WHERE ${allOf(where)}`
      const change = `difference(${identifier(fieldKey(name))})`
      const statements = [
        `SELECT min("by") AS "by" FROM (SELECT ${change} AS "by" FROM ${from} GROUP BY "device")
           GROUP BY "device"`,
      ]
      // Two values of one moment have an order only as they are judged.
      if (twice.length > 0) {
        const isTwice = twice.map((bits) => `"flags" = ${bits}`).join(' OR ')
        statements.push(
          `SELECT count("flags") AS "n" FROM ${from} AND (${isTwice}) GROUP BY "device"`,
        )
      }
      const [falls = [], together = []] = await influx.queryEach(statements, signal)
      const fallen = rowsOf(falls).filter((row) => (numberOrNull(row, 'by') ?? 0) < 0)
      return [...fallen, ...rowsOf(together)].map((row) => textIn(row, 'device'))
    },
    async *readings(devices) {
      const selection = { measurement: kind, columns: columnsOf(kind, name), span, exact: true }
      for (const device of devices) {
        const where = [`"device" = ${literal(device)}`, ...conditions]
        for await (const rows of pagesOf(influx, { ...selection, where }, signal)) {
          yield placed(context, counter, rows)
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
  const names = [...new Set([name, ...own].map(fieldKey))]
  const fields = names.map((one) => `${identifier(one)}::field`)
  const places = ownColumns(['timeNs', 'position', 'index', 'flags'])
  return [places, ...fields, '"device"::tag'].join(', ')
}

/** Readings in the order of their exact times. */
function placed(
  { influx }: ScanContext,
  { kind, name }: Counter,
  rows: readonly Row[],
): CounterReading[] {
  return ownReadings(influx, { measurement: kind, rows }, (row) => placedReading(row, name))
    .toSorted(byPlace)
    .map(({ reading }) => reading)
}

interface Placed {
  readonly position: number
  readonly readingOrdinal: number
  readonly reading: CounterReading
}

function placedReading(row: Row, name: string): Placed {
  return {
    position: numberIn(row, 'position'),
    readingOrdinal: numberIn(row, 'index'),
    reading: {
      device: textIn(row, 'device'),
      timeNs: bigintIn(row, 'timeNs'),
      energyKwh: numberIn(row, fieldKey(name)),
      meterId: textOrNull(row, 'meterId'),
      flags: flagNames(numberIn(row, 'flags')),
      status: textOrNull(row, 'status'),
      operatingHoursH: numberOrNull(row, 'operatingHoursH'),
    },
  }
}

function byPlace(a: Placed, b: Placed): number {
  const [timeA, timeB] = [a.reading.timeNs, b.reading.timeNs]
  if (timeA !== timeB) return timeA < timeB ? -1 : 1
  return a.position - b.position || a.readingOrdinal - b.readingOrdinal
}
