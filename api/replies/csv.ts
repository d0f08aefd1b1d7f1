export type Cell = string | number | boolean | null

/** How a row becomes cells: header name -> value, in the order of the columns. */
export type Columns<T> = Readonly<Record<string, (row: T) => Cell | undefined>>

export const LOCALES = ['en', 'da'] as const
export type Locale = (typeof LOCALES)[number]

/** Spreadsheets set to Danish divide columns by semicolons, since the comma is their decimal sign. */
const SEPARATORS: Readonly<Record<Locale, string>> = { en: ',', da: ';' }

/** RFC 4180: a header, CRLF, quotes where needed. A missing value is an empty cell, never zero. */
export function csvOf<T>(columns: Columns<T>, rows: readonly T[], locale: Locale): string {
  const separator = SEPARATORS[locale]
  const names = Object.keys(columns)
  const readers = Object.values(columns)
  const lines = [names.map((name) => textCell(name, separator)).join(separator)]
  for (const row of rows) {
    lines.push(readers.map((read) => cell(read(row) ?? null, separator, locale)).join(separator))
  }
  return `${lines.join('\r\n')}\r\n`
}

/** Columns that are fields of the row by the same name. */
export function ownColumns<K extends string>(
  ...names: readonly K[]
): Columns<Readonly<Record<K, Cell | undefined>>> {
  return Object.fromEntries(names.map((name) => [name, (row) => row[name]]))
}

function cell(value: Cell, separator: string, locale: Locale): string {
  if (value === null) return ''
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return textCell(value, separator)
  if (!Number.isFinite(value)) return ''
  return locale === 'da' ? String(value).replace('.', ',') : String(value)
}

/**
 * Where a spreadsheet takes a text for a formula and runs it: at the start of a cell. One of another
 * locale begins a cell at the other separator too, whatever the quotes.
 */
const FORMULA = /^(?=[=+\-@\t\r])|[,;] *(?=[=+\-@])/g

function textCell(text: string, separator: string): string {
  const safe = text.replaceAll(FORMULA, "$&'")
  const quote = safe.includes(separator) || /["\r\n]/.test(safe)
  return quote ? `"${safe.replaceAll('"', '""')}"` : safe
}
