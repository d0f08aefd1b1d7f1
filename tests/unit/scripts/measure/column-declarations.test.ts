import { describe, expect, it } from 'vitest'
import { declarationsOf } from '../../../../scripts/measure/column-declarations.ts'

const declared = (text: string, isTest = false) =>
  declarationsOf('p95Ms', [{ path: 'a/sample.ts', text, isTest }]).map(({ line, sort }) => [
    line,
    sort,
  ])

describe('the declarations of a column', () => {
  it('are members of types, keys of schemas and of tables, and its name as a text', () => {
    const text = `
interface Row {
  readonly p95Ms: number | null
}
const schema = z.object({ n: z.number(), p95Ms: ms })
const shown: Columns<Row> = { p95Ms: (row) => row.p95Ms }
const units = { p95Ms: 'ms' }
const percentiles = { p95: 'p95Ms' }
`
    expect(declared(text)).toEqual([
      [3, 'type'],
      [5, 'schema'],
      [6, 'table'],
      [7, 'table'],
      [8, 'text'],
    ])
  })

  it('are not where a value is computed or read', () => {
    const text = `
const row = { p50Ms: null, p95Ms: percentile(95) }
const none = { p95Ms: null, ...{ p95Ms } }
const { p95Ms, p99Ms: other } = row
use(row.p95Ms, row['p95Ms'])
`
    expect(declared(text)).toEqual([])
    expect(declared("const name = 'p95Ms'", true)).toEqual([])
  })
})
