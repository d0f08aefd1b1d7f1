import { deserialize, serialize } from 'node:v8'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromRowTable, toRowTable } from '#lib/runtime/threads/row-table.ts'
import { propertyRuns } from '../support/random-runs.ts'

const single = fc.oneof(
  fc.constantFrom(null, undefined, true, ''),
  fc.double(),
  fc.bigInt(),
  fc.string(),
  fc.array(fc.string(), { maxLength: 2 }),
  fc.date(),
  fc.uint8Array({ maxLength: 3 }),
)
/** Few names, so that rows are alike and yet of many shapes; `__proto__` is a trap. */
const name = fc.constantFrom('time', 'seq', 'fields', 'radio', '7', '__proto__')
const { row } = fc.letrec((tie) => ({
  row: fc.option(
    fc
      .array(fc.tuple(name, fc.oneof(single, tie('row'))), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries) as unknown),
    { freq: 10 },
  ),
}))

describe('a table of rows', () => {
  it('returns its rows, whatever they hold, also after a thread boundary', () => {
    let tables = 0
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
        const table = toRowTable(rows)
        if (table === null) return
        tables += 1
        expect(fromRowTable(deserialize(serialize(table)))).toStrictEqual(
          deserialize(serialize(rows)),
        )
      }),
      propertyRuns(500),
    )
    expect(tables).toBeGreaterThan(50)
  })
})
