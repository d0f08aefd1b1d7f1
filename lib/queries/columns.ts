import { z } from 'zod'

/*
 * Columns of a row as zod schemas. The metadata says how a value leaves the platform:
 *   unit         UCUM code of a number (`ms`, `By`, `1`)
 *   description  one sentence
 *   shown        device, tenant, channel, group, fields: replaced or narrowed by what the caller may see
 *   csv          spread: the parts of an object are columns of their own
 * A bigint is a time: Unix ns inside the platform, ISO 8601 outside. Bytes are shown as base64.
 */

export interface ColumnMeta {
  readonly unit?: string
  readonly description?: string
  readonly shown?: 'device' | 'tenant' | 'channel' | 'group' | 'fields'
  readonly csv?: 'spread'
}

/** A number with its unit. */
export function measure(unit: string, description?: string) {
  return z.number().meta(metaOf(unit, description))
}

/** A number with its unit, null where nothing is known: missing is never zero. */
export function optionalMeasure(unit: string, description?: string) {
  return z.number().nullable().meta(metaOf(unit, description))
}

export function count(description?: string) {
  return measure('1', description)
}

/** A moment. */
export function timeColumn(description = 'ISO 8601, UTC') {
  return z.bigint().meta({ description })
}

export function deviceColumn(description = 'Full id <tenant>.<device>') {
  return z.string().meta({ shown: 'device', description })
}

export function tenantColumn() {
  return z.string().meta({ shown: 'tenant' })
}

/** A topic or a part of one: foreign topics name their device. */
export function channelColumn() {
  return z.string().meta({ shown: 'channel' })
}

/** Values of what the rows are grouped by. */
export function groupColumn<T extends string>(names: readonly T[], description?: string) {
  const group = z.partialRecord(z.enum(names), z.string().nullable())
  return group.meta({ shown: 'group', csv: 'spread', ...(description ? { description } : {}) })
}

/** The metadata of a column, also below `nullable` and `optional`. */
export function columnMeta(schema: z.ZodType): ColumnMeta {
  // Written by the functions above.
  const own = (schema.meta() ?? {}) as ColumnMeta
  const inner = innerOf(schema)
  return inner === null ? own : { ...columnMeta(inner), ...own }
}

/** The schema below `nullable`, `optional` or `default`; null when there is none. */
export function innerOf(schema: z.ZodType): z.ZodType | null {
  if (schema instanceof z.ZodNullable || schema instanceof z.ZodOptional) {
    return schema.unwrap() as z.ZodType
  }
  return null
}

/** The units of the columns that have one, by name. */
export function unitsOfRow(row: z.ZodObject): Readonly<Record<string, string>> {
  const units: Record<string, string> = {}
  for (const [name, column] of Object.entries(row.shape)) {
    const { unit } = columnMeta(column as z.ZodType)
    if (unit !== undefined) units[name] = unit
  }
  return units
}

/** Names of the columns with a unit. */
export function columnsIn<T extends z.ZodObject>(
  row: T,
  unit: string,
): readonly (keyof z.output<T>)[] {
  const units = Object.entries(unitsOfRow(row))
  // Keys of the row.
  return units.flatMap(([name, own]) => (own === unit ? [name as keyof z.output<T>] : []))
}

export interface Column {
  readonly name: string
  readonly unit: string | null
  readonly description: string | null
}

/** The columns of a row, of a union each name once. */
export function columnsOf(row: z.ZodType): Column[] {
  if (row instanceof z.ZodUnion) {
    const all = row.options.flatMap((option) => columnsOf(option as z.ZodType))
    return [...new Map(all.map((column) => [column.name, column])).values()]
  }
  if (!(row instanceof z.ZodObject)) return []
  return Object.entries<z.ZodType>(row.shape).map(([name, column]) => {
    const { unit = null, description = null } = columnMeta(column)
    return { name, unit, description }
  })
}

/** A value as the API shows it: times as text, bytes as base64. */
export type Shown<T> = T extends bigint | Uint8Array
  ? string
  : T extends readonly (infer U)[]
    ? readonly Shown<U>[]
    : T extends object
      ? { readonly [K in keyof T]: Shown<T[K]> }
      : T

function metaOf(unit: string, description: string | undefined) {
  return description === undefined ? { unit } : { unit, description }
}
