import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvOf, ownColumns } from '../../../../api/replies/csv.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

interface Row {
  readonly a: string | number | boolean | null
  readonly b: string | number | boolean | null
}
const columns = ownColumns('a', 'b')
const lines = (row: Row, locale: 'en' | 'da' = 'en') => csvOf(columns, [row], locale)

describe('CSV', () => {
  it.each(['en', 'da'] as const)(
    'is no formula in a spreadsheet of another locale (%s)',
    (locale) => {
      const text = csvOf({ a: (row: string) => row }, ['a;=1+1', 'a,@x', 'b; -1'], locale)
      expect(text).not.toMatch(/[;,] *[=@-]/)
      expect(text).toContain("a;'=1+1")
    },
  )

  it('has a header even without rows, and ends each line with CRLF', () => {
    expect(csvOf(columns, [], 'en')).toBe('a,b\r\n')
    expect(lines({ a: 1, b: 'x' })).toBe('a,b\r\n1,x\r\n')
  })

  it('leaves the cell of a missing value empty, and never writes zero for it', () => {
    expect(lines({ a: null, b: 0 })).toBe('a,b\r\n,0\r\n')
    expect(lines({ a: Number.NaN, b: false })).toBe('a,b\r\n,false\r\n')
  })

  it('quotes commas, quotes and line breaks (RFC 4180)', () => {
    expect(lines({ a: 'x,y', b: 'say "hi"\n' })).toBe('a,b\r\n"x,y","say ""hi""\n"\r\n')
  })

  it('has semicolons and decimal commas for da, and quotes by its own separator', () => {
    expect(lines({ a: -72.5, b: 'x,y' }, 'da')).toBe('a;b\r\n-72,5;x,y\r\n')
    expect(lines({ a: 'x;y', b: 1e21 }, 'da')).toBe('a;b\r\n"x;y";1e+21\r\n')
  })

  it.each(['=1+1', '+1', '-2+3', '@SUM(A1)', '\tx', '\rx'])(
    'lets no spreadsheet run %j',
    (text) => {
      const [, cell = ''] = lines({ a: text, b: '' }).split('a,b\r\n')
      expect(cell.replace('"', '')).toMatch(/^'/)
    },
  )

  it('can be read back, whatever the texts are', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', ',', ';', '\n', '\r', 'ø', ' ') })
    fc.assert(
      fc.property(text, text, (a, b) => {
        // A leading CR is guarded by an apostrophe, as the test before says.
        fc.pre(!a.startsWith('\r') && !b.startsWith('\r'))
        for (const [locale, separator] of [
          ['en', ','],
          ['da', ';'],
        ] as const) {
          expect(read(csvOf(columns, [{ a, b }], locale), separator)).toEqual([
            ['a', 'b'],
            [a, b],
          ])
        }
      }),
      propertyRuns(),
    )
  })
})

/** A reader after RFC 4180, written for this test. */
function read(text: string, separator: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < text.length) {
    let cell = ''
    if (text[at] === '"') {
      at += 1
      while (text[at] !== '"' || text[at + 1] === '"') {
        cell += text[at]
        at += text[at] === '"' ? 2 : 1
      }
      at += 1
    } else {
      while (text[at] !== separator && text[at] !== '\r') cell += text[at++]
    }
    row.push(cell)
    if (text[at] === separator) at += 1
    else {
      rows.push(row)
      row = []
      at += 2
    }
  }
  return rows
}
