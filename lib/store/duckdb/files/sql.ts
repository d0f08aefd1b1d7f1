import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api'

/** A text as an SQL literal. DuckDB ends a statement at NUL, so a text never brings one. */
export function literal(text: string): string {
  return `'${text.replaceAll('\0', '').replaceAll("'", "''")}'`
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** `(column IN (...))`; a condition that nothing fulfils for an empty list. */
export function isOneOf(column: string, values: readonly string[]): string {
  return values.length === 0 ? 'false' : `${column} IN (${values.map(literal).join(', ')})`
}

export function allOf(conditions: readonly string[]): string {
  return conditions.length === 0 ? 'true' : conditions.map((one) => `(${one})`).join(' AND ')
}

export type Row = Readonly<Record<string, DuckDBValue>>

export async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Row[]> {
  const result = await connection.run(sql)
  return result.getRowObjects()
}

/** A count, a position or a sum: below 2^53 by its nature. */
export function numberIn(row: Row, name: string): number {
  const value = row[name]
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  throw new TypeError(`expected a number in column ${name}, got ${typeof value}`)
}

export function numberOrNull(row: Row, name: string): number | null {
  return row[name] === null || row[name] === undefined ? null : numberIn(row, name)
}

/** Nanoseconds and hashes: exact. */
export function bigintIn(row: Row, name: string): bigint {
  const value = row[name]
  if (typeof value === 'bigint') return value
  throw new TypeError(`expected a big integer in column ${name}, got ${typeof value}`)
}

export function bigintOrNull(row: Row, name: string): bigint | null {
  return row[name] === null || row[name] === undefined ? null : bigintIn(row, name)
}

export function textIn(row: Row, name: string): string {
  const value = row[name]
  if (typeof value === 'string') return value
  throw new TypeError(`expected a text in column ${name}, got ${typeof value}`)
}

export function textOrNull(row: Row, name: string): string | null {
  return row[name] === null || row[name] === undefined ? null : textIn(row, name)
}
