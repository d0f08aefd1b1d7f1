import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { list } from '../replies/answer.ts'
import type { Api } from '../api.ts'
import type { Columns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { listPage } from '../parameters/list-page.ts'
import { deviceParameters, kindsParameter, pageParameters } from '../parameters/parameters.ts'
import { Problem } from '../replies/problem.ts'
import {
  definitionsOf,
  readingColumns,
  shownReading,
  type ShownReading,
} from '../replies/reading-rows.ts'
import { listSchema } from '../replies/schemas.ts'
import { readingScope, requireInScope } from '../auth/scope.ts'
import { readingSchema } from './readings.ts'

/** What each device said last, by its own time: the state of the intake, not a scan. */
export function addLastValues(add: Add, { port, cursors }: Api): void {
  add({
    method: 'GET',
    url: '/last-values',
    permission: 'readings:read',
    tag: 'readings',
    summary: 'The latest reading per device, kind and channel',
    query: { ...deviceParameters, ...kindsParameter, ...pageParameters },
    answer: listSchema(readingSchema),
    isList: true,
    async handle(ask) {
      const scope = readingScope(ask, ask.query)
      if (scope instanceof Problem) return scope
      const values = await port.ask('lastValues', scope, ask.signal)
      for (const { device } of values) requireInScope(scope, device)
      const shown = values.map((value) => shownReading(value, ask))
      const page = listPage(shown, keyOf, ask, cursors)
      return page instanceof Problem ? page : list(page, columnsOf(page.data))
    },
  })
}

function keyOf({ device, kind, channel }: ShownReading): string {
  return `${device} ${kind} ${channel}`
}

/** Rows are of several kinds: the columns are the fields of all kinds on the page. */
function columnsOf(rows: readonly ShownReading[]): Columns<ShownReading> {
  const kinds = new Set(rows.map(({ kind }) => kind))
  const fields = KIND_NAMES.filter((kind) => kinds.has(kind)).flatMap((kind) =>
    Object.keys(definitionsOf(kind)),
  )
  const given = new Set(rows.flatMap((row) => Object.keys(row.fields)))
  return readingColumns([...new Set(fields)].filter((name) => given.has(name)))
}
