import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { deviceParameters, kindsParameter, pageParameters } from './parameters.ts'
import { defineQuery, type CsvColumns, type QueryResult } from './query.ts'
import {
  definitionsOf,
  readingColumns,
  readingRow,
  readingRowOf,
  type ReadingRow,
} from './reading-row.ts'

/** What each device said last, by its own time: the state of the intake, not a scan. */
export const lastValues = defineQuery({
  path: '/last-values',
  permission: 'readings:read',
  tag: 'readings',
  summary: 'The latest reading per device, kind and channel',
  parameters: { ...deviceParameters, ...kindsParameter, ...pageParameters },
  row: readingRow,
  scope: 'readings',
  shape: 'list',
  sources: ['state'],
  toQuery: (_, { scope }) => ({ scope }),
  key: ({ device, kind, channel }) => `${device} ${kind} ${channel}`,
  async answer({ state }, { scope }): Promise<QueryResult<ReadingRow>> {
    return { rows: state.lastValues(scope).map(readingRowOf) }
  },
  csvColumns: (_, rows) => columnsOf(rows),
  merge: mergeLatest,
})

/** Rows are of several kinds: the columns are the fields of all kinds on the page. */
function columnsOf(rows: readonly ReadingRow[]): CsvColumns {
  const kinds = new Set(rows.map(({ kind }) => kind))
  const fields = KIND_NAMES.filter((kind) => kinds.has(kind)).flatMap((kind) =>
    Object.keys(definitionsOf(kind)),
  )
  const given = new Set(rows.flatMap((row) => Object.keys(row.fields)))
  return readingColumns([...new Set(fields)].filter((name) => given.has(name)))
}

/** The latest by the clock of the device, as one intake would keep it. */
function mergeLatest(results: readonly QueryResult<ReadingRow>[]): QueryResult<ReadingRow> {
  const latest = new Map<string, ReadingRow>()
  for (const row of results.flatMap(({ rows }) => rows)) {
    const key = `${row.device} ${row.kind} ${row.channel}`
    const known = latest.get(key)
    if (!known || row.time > known.time) latest.set(key, row)
  }
  return { rows: [...latest.values()] }
}
