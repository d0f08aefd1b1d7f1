import { describe, expect, it } from 'vitest'
import { filterByRat } from '../../../../../dashboards/portal/src/drill-down/csv-filter.ts'

const page = (separator: string, ...rows: readonly (readonly string[])[]) =>
  rows.map((row) => `${row.join(separator)}\r\n`).join('')

describe('rows of a CSV over one radio technology', () => {
  it.each([',', ';'])('are kept whole, divided by %s, quotes and line breaks included', (by) => {
    const head = ['time', 'status', 'radio.rat', 'claimedTime']
    const lte = ['t1', `"a ""b""${by}\r\nnr-sa"`, 'lte', '']
    const sa = ['t2', '', 'nr-sa', '']
    const none = ['t3', 'nr-sa', '', '']
    const text = page(by, head, lte, sa, none)
    expect(filterByRat(text, 'lte')).toEqual({ head: page(by, head), rows: page(by, lte) })
    expect(filterByRat(text, 'nr-sa').rows).toBe(page(by, sa))
    expect(filterByRat(text, 'none').rows).toBe(page(by, none))
    expect(filterByRat(text, undefined).rows).toBe(page(by, lte, sa, none))
  })
})
