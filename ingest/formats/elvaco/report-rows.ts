/** A row of a report: its cells by column. */
export interface Row {
  readonly text: string
  readonly cells: Readonly<Record<string, string>>
  /** How many cells it has where it should have as many as there are columns. */
  readonly wrongCount: number | null
}

/** The columns of template 4001, for reports without a header line. */
const COLUMNS = [
  'serial-number',
  'device-identification',
  'created',
  'value-data-count',
  'mbus-raw-value',
]

/** The documentation has both names for the last column. */
const OTHER_NAMES: Readonly<Record<string, string>> = { 'mbus-raw': 'mbus-raw-value' }

export interface Report {
  readonly columns: readonly string[]
  readonly rows: readonly Row[]
}

/** Lines of cells with `;` between them; the first may name the columns. */
export function reportOf(text: string): Report {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const [head] = lines
  const names = head === undefined ? [] : cellsOf(head).map((name) => name.toLowerCase())
  const hasHead = names[0] === COLUMNS[0] || names[0] === `#${COLUMNS[0]}`
  const columns = hasHead ? names.map((name) => OTHER_NAMES[name] ?? name) : COLUMNS
  return { columns, rows: lines.slice(hasHead ? 1 : 0).map((line) => rowOf(line, columns)) }
}

function rowOf(line: string, columns: readonly string[]): Row {
  const given = cellsOf(line)
  const cells = Object.fromEntries(columns.map((name, at) => [name, given[at] ?? '']))
  return { text: line, cells, wrongCount: given.length === columns.length ? null : given.length }
}

function cellsOf(line: string): string[] {
  return line.split(';').map((cell) => cell.trim())
}
