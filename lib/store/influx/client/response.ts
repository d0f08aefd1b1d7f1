/** A value of an answer: whole numbers of 16 digits and more come as text, exact. */
export type Cell = string | number | boolean | null

/** A series of an answer to InfluxQL. Times are Unix ns, as text. */
export interface Series {
  readonly name: string
  readonly tags: Readonly<Record<string, string>>
  readonly columns: readonly string[]
  readonly values: readonly (readonly Cell[])[]
}

/** What an answer says went wrong with a statement. */
export class StatementError extends Error {
  override readonly name = 'StatementError'
}

/** Texts are matched as a whole, so that no digits within one are taken for a number. */
const TEXT_OR_LONG_NUMBER = /"(?:[^"\\]|\\.)*"|(?<=[[,])-?\d{16,}(?=[,\]])/g

/**
 * Reads an answer of `/query` in chunks, a line of JSON for each: the series of every statement. An
 * answer as a whole would be cut short by `max-row-limit`, and says falsely that it was when it is
 * long. JSON.parse rounds whole numbers beyond 2^53, and times and hashes are such: they are put in
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
  const answer: unknown = JSON.parse(exact)
  if (!isObject(answer)) throw new StatementError(`no answer to a query: ${json.slice(0, 100)}`)
  if (typeof answer['error'] === 'string') throw new StatementError(answer['error'])
  for (const result of Array.isArray(answer['results']) ? answer['results'] : []) {
    if (!isObject(result)) continue
    if (typeof result['error'] === 'string') throw new StatementError(result['error'])
    const { statement_id: id = 0, series } = result
    const place = Number(id)
    while (results.length <= place) results.push([])
    const known = results[place] ?? []
    for (const one of Array.isArray(series) ? series.filter(isObject) : []) {
      addSeries(known, seriesIn(one))
    }
  }
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
  const { name } = series
  // The shape of a series is that of InfluxDB's HTTP API.
  return {
    name: typeof name === 'string' ? name : '',
    tags: (series['tags'] ?? {}) as Record<string, string>,
    columns: (series['columns'] ?? []) as string[],
    values: (series['values'] ?? []) as Cell[][],
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
