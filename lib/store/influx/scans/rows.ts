import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import { flagNames } from '#lib/telemetry/flags.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import { RADIO_FIELDS, type Radio } from '#lib/telemetry/radio.ts'
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

/** Rows that are readings of ours: others may write to the same measurements. */
export function isReading(row: Row): boolean {
  return cellIn(row, 'timeNs') !== null && cellIn(row, 'position') !== null
}

export function cellIn({ cells, places, tags }: Row, name: string): Cell {
  const at = places.get(name)
  return (at === undefined ? tags[name] : cells[at]) ?? null
}

export function numberOrNull(row: Row, name: string): number | null {
  const cell = cellIn(row, name)
  if (cell === null || cell === '') return null
  // Long whole numbers come as text.
  if (typeof cell === 'string' || typeof cell === 'number') return Number(cell)
  throw new TypeError(`expected a number in column ${name}, got ${typeof cell}`)
}

export function numberIn(row: Row, name: string): number {
  const value = numberOrNull(row, name)
  if (value === null) throw new TypeError(`expected a number in column ${name}, got nothing`)
  return value
}

export function bigintIn(row: Row, name: string): bigint {
  const cell = cellIn(row, name)
  if (typeof cell === 'string' || typeof cell === 'number') return BigInt(cell)
  throw new TypeError(`expected a whole number in column ${name}, got ${typeof cell}`)
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
  throw new TypeError(`expected a text in column ${name}, got ${typeof cell}`)
}

const ROW_FIELDS = ['timeNs', 'receivedAtNs', 'claimedTimeNs', 'position', 'index', 'seq', 'flags']

/** What has to be selected for `readingRow`. */
export function readingColumns(kind: Kind, fields: readonly string[]): string {
  const radio = RADIO_NAMES.filter((name) => name !== 'rat').map((name) => radioKey(kind, name))
  const names = [...ROW_FIELDS, ...fields.map(fieldKey), ...radio]
  const selected = names.map((name) => `${identifier(name)}::field`)
  return [...selected, ...TAGS.slice(1).map((name) => `${identifier(name)}::tag`)].join(', ')
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
  if (type === 'number') return typeof cell === 'boolean' ? null : Number(cell)
  return typeof cell === type ? cell : null
}
