import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { flagNames } from '#lib/telemetry/flags.ts'
import type { RegisterRow } from '#lib/telemetry/heat.ts'
import type { RegistersScan } from '../../scans.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { inScope } from '#lib/telemetry/scope.ts'
import type { TooMany } from '#lib/telemetry/too-many.ts'
import { allOf, identifier, kindsIn, literal, readingsWithin } from '../client/influxql.ts'
import { pagesOf } from '../client/pages.ts'
import { thinned, type Register } from './register-cells.ts'
import {
  bigintIn,
  cellIn,
  numberIn,
  numberOrNull,
  ownColumns,
  ownReadings,
  rowsOf,
  type Row,
} from './rows.ts'
import type { ScanContext } from './view.ts'

/** Rows given before and after the span: enough to recognise a single wrong value. */
const NEAREST = 8

/** Registers, meter by meter: of a quiet cell its ends, of any other all. */
export async function scanRegisters(
  context: ScanContext,
  query: RegistersScan,
): Promise<readonly RegisterRow[] | TooMany> {
  const { meters, maxRows, cellNs } = query
  const found: RegisterRow[] = []
  if (registerKinds(query).length === 0) return found
  for (const meter of meters.toSorted((a, b) => (a.device < b.device ? -1 : 1))) {
    if (!inScope(query.scope, meter.device)) continue
    const near = await registersOf(context, query, meter.device)
    const wanted = cellNs === null ? near : thinned(near, { ...meter, cellNs })
    for (const register of wanted) found.push(registerRow(meter.device, register))
    if (found.length > maxRows) return { tooMany: true, limit: maxRows }
  }
  return found
}

/** Kinds that have an energy register. */
function registerKinds({ scope }: Pick<RegistersScan, 'scope'>): readonly Kind[] {
  return kindsIn(scope).filter((kind) => Object.hasOwn(KINDS[kind].fields, 'energyKwh'))
}

/** The registers of the span and the nearest before and after it, in order. */
async function registersOf(
  context: ScanContext,
  query: RegistersScan,
  device: string,
): Promise<Register[]> {
  const { fromNs, toNs, lookNs } = query
  const before = await nearest(context, query, {
    device,
    span: { fromNs: fromNs - lookNs, toNs: fromNs },
    zone: 0,
  })
  const after = await nearest(context, query, {
    device,
    span: { fromNs: toNs, toNs: toNs + lookNs },
    zone: 2,
  })
  const within: Register[] = []
  for (const kind of registerKinds(query)) {
    const selection = { measurement: kind, columns: COLUMNS, span: { fromNs, toNs }, exact: true }
    const where = conditionsOf(device)
    for await (const rows of pagesOf(context.influx, { ...selection, where }, context.signal)) {
      within.push(...registersIn(context, { measurement: kind, rows }, 1))
    }
  }
  return [
    ...before.toSorted(byTime).slice(-NEAREST),
    ...within.toSorted(byTime),
    ...after.toSorted(byTime).slice(0, NEAREST),
  ]
}

async function nearest(
  context: ScanContext,
  query: RegistersScan,
  { device, span, zone }: { readonly device: string; readonly span: Span; readonly zone: 0 | 2 },
): Promise<Register[]> {
  const { influx, signal } = context
  const where = allOf([...readingsWithin(span), ...conditionsOf(device)])
  const order = zone === 0 ? 'DESC' : 'ASC'
  // Twice as many: within a millisecond the order of the points is not that of the times.
  const kinds = registerKinds(query)
  const statements = kinds.map(
    (kind) => `SELECT ${COLUMNS} FROM ${identifier(kind)} WHERE ${where}
      ORDER BY time ${order} LIMIT ${2 * NEAREST}`,
  )
  const found = await influx.queryEach(statements, signal)
  return found.flatMap((series, at) =>
    registersIn(context, { measurement: kinds[at] ?? '', rows: rowsOf(series) }, zone),
  )
}

function registersIn(
  { influx }: ScanContext,
  found: { readonly measurement: string; readonly rows: readonly Row[] },
  zone: Register['zone'],
): Register[] {
  return ownReadings(influx, found, (row) => registerIn(row, zone))
}

/** The comparison leaves out readings without a register. */
function conditionsOf(device: string): string[] {
  return [`"device" = ${literal(device)}`, `("energyKwh" >= 0 OR "energyKwh" < 0)`]
}

const COLUMNS = [
  ownColumns(['timeNs', 'position', 'index', 'flags']),
  ...['energyKwh', 'meterId', 'status', 'operatingHoursH'].map(
    (name) => `${identifier(name)}::field`,
  ),
].join(', ')

function registerIn(row: Row, zone: Register['zone']): Register {
  return {
    timeNs: bigintIn(row, 'timeNs'),
    position: numberIn(row, 'position'),
    readingOrdinal: numberIn(row, 'index'),
    flags: numberIn(row, 'flags'),
    energyKwh: numberIn(row, 'energyKwh'),
    meterId: textIn(row, 'meterId'),
    status: textIn(row, 'status'),
    operatingHoursH: numberOrNull(row, 'operatingHoursH'),
    zone,
  }
}

/** A text that may be empty, unlike that of a tag. */
function textIn(row: Row, name: string): string | null {
  const cell = cellIn(row, name)
  return typeof cell === 'string' ? cell : null
}

function byTime(a: Register, b: Register): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1
  return a.position - b.position || a.readingOrdinal - b.readingOrdinal
}

function registerRow(device: string, register: Register): RegisterRow {
  const { timeNs, energyKwh, meterId, flags, status, operatingHoursH } = register
  return { device, timeNs, energyKwh, meterId, flags: flagNames(flags), status, operatingHoursH }
}
