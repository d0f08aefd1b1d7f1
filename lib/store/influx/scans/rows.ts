import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { flagNames } from '#lib/telemetry/flags.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import { RADIO_FIELDS, type Radio } from '#lib/telemetry/radio.ts'
import { ForeignCell } from '../client/foreign-rows.ts'
import type { Influx } from '../client/influx.ts'
import type { Cell, Series } from '../client/response.ts'
import { identifier } from '../client/influxql.ts'
import { RADIO_NAMES, TAGS, fieldKey, radioKey } from '../write/reading-point.ts'

/** A row of a response, with the columns of its series by name. */
export interface Row {
  readonly cells: readonly Cell[]
  readonly places: ReadonlyMap<string, number>
  readonly tags: Readonly<Record<string, string>>
}

export function rowsOf(series: readonly Series[]): Row[] {
  return series.flatMap(({ columns, values, tags }) => {
    const places = new Map(columns.map((name, at) => [name, at]))
    return values.map((cells) => ({ cells, places, tags }))
  })
}

/** Rows of one measurement; those that `decode` cannot read are not ours: they are skipped and counted. */
export function ownRows<T>(
  { foreign }: Pick<Influx, 'foreign'>,
  { measurement, rows }: { readonly measurement: string; readonly rows: readonly Row[] },
  decode: (row: Row) => T,
): T[] {
  const found: T[] = []
  for (const row of rows) {
    try {
      found.push(decode(row))
    } catch (error) {
      if (!(error instanceof ForeignCell)) throw error
      foreign.add(measurement, error)
    }
  }
  return found
}

/** The same for readings: each of ours names its journal, which has to be selected. */
export function ownReadings<T>(
  influx: Pick<Influx, 'foreign'>,
  found: { readonly measurement: string; readonly rows: readonly Row[] },
  decode: (row: Row) => T,
): T[] {
  return ownRows(influx, found, (row) => {
    textIn(row, 'journal')
    return decode(row)
  })
}

export function cellIn({ cells, places, tags }: Row, name: string): Cell {
  const at = places.get(name)
  return (at === undefined ? tags[name] : cells[at]) ?? null
}

export function numberOrNull(row: Row, name: string): number | null {
  const cell = cellIn(row, name)
  if (cell === null || cell === '') return null
  // Long whole numbers come as text.
  const value = typeof cell === 'boolean' ? Number.NaN : Number(cell)
  if (Number.isNaN(value)) throw new ForeignCell('a number', name, cell)
  return value
}

export function numberIn(row: Row, name: string): number {
  const value = numberOrNull(row, name)
  if (value === null) throw new ForeignCell('a number', name, null)
  return value
}

export function bigintIn(row: Row, name: string): bigint {
  const cell = cellIn(row, name)
  if (typeof cell === 'number' && Number.isSafeInteger(cell)) return BigInt(cell)
  if (typeof cell === 'string' && WHOLE.test(cell)) return BigInt(cell)
  throw new ForeignCell('a whole number', name, cell)
}

export function bigintOrNull(row: Row, name: string): bigint | null {
  return cellIn(row, name) === null ? null : bigintIn(row, name)
}

/** Tags that a point does not have come as an empty text. */
export function textOrNull(row: Row, name: string): string | null {
  const cell = cellIn(row, name)
  return typeof cell === 'string' && cell !== '' ? cell : null
}

export function textIn(row: Row, name: string): string {
  const cell = cellIn(row, name)
  if (typeof cell === 'string') return cell
  throw new ForeignCell('a text', name, cell)
}

const WHOLE = /^-?\d{1,19}$/

const ROW_FIELDS = ['timeNs', 'receivedAtNs', 'claimedTimeNs', 'position', 'index', 'seq', 'flags']

/**
 * Fields that every reading has, and its journal, as they have to be selected. By their types: another
 * program may have given them others in a shard of its own, and InfluxDB would make ours into those.
 */
export function ownColumns(integers: readonly string[]): string {
  return [...integers.map((name) => `${identifier(name)}::integer`), '"journal"::string'].join(', ')
}

/** What has to be selected for `readingRow`. */
export function readingColumns(kind: Kind, fields: readonly string[]): string {
  const radio = RADIO_NAMES.filter((name) => name !== 'rat').map((name) => radioKey(kind, name))
  const names = [...fields.map(fieldKey), ...radio]
  const selected = names.map((name) => `${identifier(name)}::field`)
  return [
    ownColumns(ROW_FIELDS),
    ...selected,
    ...TAGS.slice(1).map((name) => `${identifier(name)}::tag`),
  ].join(', ')
}

/** The fields of a kind that are wanted; null means all of them. */
export function wantedFields(kind: Kind, fields: readonly string[] | null): string[] {
  const all = Object.keys(KINDS[kind].fields)
  return fields ? all.filter((name) => fields.includes(name)) : all
}

export function readingRow(row: Row, kind: Kind, names: readonly string[]): ReadingRow {
  return {
    timeNs: bigintIn(row, 'timeNs'),
    device: textIn(row, 'device'),
    kind,
    channel: textIn(row, 'channel'),
    seq: numberOrNull(row, 'seq'),
    receivedAtNs: bigintIn(row, 'receivedAtNs'),
    claimedTimeNs: bigintOrNull(row, 'claimedTimeNs'),
    position: numberIn(row, 'position'),
    readingOrdinal: numberIn(row, 'index'),
    flags: flagNames(numberIn(row, 'flags')),
    fields: fieldsIn(row, kind, names),
    radio: radioIn(row, kind),
  }
}

function fieldsIn(row: Row, kind: Kind, names: readonly string[]): Record<string, FieldValue> {
  const fields: Record<string, FieldValue> = {}
  for (const name of names) {
    const value = valueIn(cellIn(row, fieldKey(name)), KINDS[kind].fields[name]?.type)
    if (value !== null) fields[name] = value
  }
  return fields
}

function radioIn(row: Row, kind: Kind): Radio | null {
  const radio: Record<string, FieldValue> = {}
  for (const name of RADIO_NAMES) {
    const cell = cellIn(row, radioKey(kind, name))
    const value = name === 'rat' && cell === '' ? null : valueIn(cell, RADIO_FIELDS[name].type)
    if (value !== null) radio[name] = value
  }
  // The values are typed by RADIO_FIELDS, as Radio is.
  return Object.keys(radio).length > 0 ? radio : null
}

/** A value by the type of its field: a long number and a text look alike in a response. */
function valueIn(cell: Cell, type: 'number' | 'string' | 'boolean' | undefined): FieldValue | null {
  if (cell === null || type === undefined) return null
  if (type === 'number') return numberOfCell(cell)
  return typeof cell === type ? cell : null
}

/** Null for what is no number: another program may have given the field another type. */
function numberOfCell(cell: string | number | boolean): number | null {
  const value = typeof cell === 'boolean' || cell === '' ? Number.NaN : Number(cell)
  return Number.isNaN(value) ? null : value
}
