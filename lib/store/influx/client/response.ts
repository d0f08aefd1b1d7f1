/** A value of a response: whole numbers of 16 digits and more come as text, exact. */
export type Cell = string | number | boolean | null

/** A series of a response to InfluxQL. Times are Unix ns, as text. */
export interface Series {
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  readonly columns: readonly string[]
  readonly values: readonly (readonly Cell[])[]
}

/** What went wrong with a statement, by the response. */
export class StatementError extends Error {
  override readonly name = 'StatementError'
}

/** Texts are matched as a whole, so that no digits within one are taken for a number. */
const TEXT_OR_LONG_NUMBER = /"(?:[^"\\]|\\.)*"|(?<=[[,])-?\d{16,}(?=[,\]])/g

/**
 * Reads a response of `/query` in chunks, a line of JSON for each: the series of every statement. A
 * response as a whole would be cut short by `max-row-limit`, and falsely reports that it was when
 * it is long. JSON.parse rounds whole numbers beyond 2^53, and times and hashes are such: they are put in
 * quotes before.
 */
export function parseResponse(text: string): Series[][] {
  const results: Series[][] = []
  for (const line of text.split('\n')) if (line.trim() !== '') addChunk(results, line)
  return results
}

function addChunk(results: Series[][], json: string): void {
  const exact = json.replace(TEXT_OR_LONG_NUMBER, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  )
  const response: unknown = JSON.parse(exact)
  if (!isObject(response))
    throw new StatementError(`expected a response to a query, got: ${json.slice(0, 100)}`)
  if (typeof response['error'] === 'string') throw new StatementError(response['error'])
  for (const result of Array.isArray(response['results']) ? response['results'] : []) {
    if (!isObject(result)) continue
    const { statement_id: id = 0, series, error } = result
    const statement = Number(id)
    while (results.length <= statement) results.push([])
    if (typeof error === 'string') {
      if (isUnknownMeasurement(error)) continue
      throw new StatementError(error)
    }
    const known = results[statement] ?? []
    for (const one of Array.isArray(series) ? series.filter(isObject) : []) {
      addSeries(known, seriesIn(one))
    }
  }
}

/** What nobody has written to yet is empty; not every server says so. */
export function isUnknownMeasurement(reason: string): boolean {
  return /\b(measurement|table)\b.{0,300}?\bnot found/is.test(reason)
}

/** A series that does not fit into a chunk goes on in the next one. */
function addSeries(known: Series[], next: Series): void {
  const last = known.at(-1)
  if (last && isSame(last, next)) {
    known[known.length - 1] = { ...last, values: [...last.values, ...next.values] }
  } else known.push(next)
}

function isSame(a: Series, b: Series): boolean {
  const [tags, others] = [Object.entries(a.tags), Object.entries(b.tags)]
  return (
    a.name === b.name &&
    tags.length === others.length &&
    tags.every(([name, value]) => b.tags[name] === value)
  )
}

function seriesIn(series: Readonly<Record<string, unknown>>): Series {
  const { name, tags, columns, values } = series
  return {
    name: typeof name === 'string' ? name : '',
    tags: isObject(tags) ? Object.fromEntries(Object.entries(tags).filter(isTextEntry)) : {},
    columns: Array.isArray(columns) ? columns.map(String) : [],
    // The cells are looked at where they are read.
    values: Array.isArray(values) ? (values.filter(Array.isArray) as Cell[][]) : [],
  }
}

function isTextEntry(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
