export interface CsvPage {
  /** The line of names. */
  readonly head: string
  readonly rows: string
}

/** A record ends at a line break outside quotes (RFC 4180). */
const RECORD = /(?:"(?:[^"]|"")*"|[^"\r\n])*\r\n/g
/** Text of a cell with its quotes. A comma inside a Danish number divides nothing. */
const CELLS = {
  ',': /("(?:[^"]|"")*"|[^",]*)(?:,|$)/g,
  ';': /("(?:[^"]|"")*"|[^";]*)(?:;|$)/g,
} as const

/** One page of the API's CSV without the rows over other radio technologies; `none`: without one. */
export function filterByRat(text: string, rat: string | undefined): CsvPage {
  const [head = '', ...records] = text.match(RECORD) ?? []
  if (rat === undefined) return { head, rows: text.slice(head.length) }
  const separator = head.includes(';') ? ';' : ','
  const column = head.trimEnd().split(separator).indexOf('radio.rat')
  const wanted = rat === 'none' ? '' : rat
  return {
    head,
    rows: records.filter((one) => cellsOf(one, separator)[column] === wanted).join(''),
  }
}

function cellsOf(record: string, separator: keyof typeof CELLS): readonly string[] {
  return Array.from(record.slice(0, -2).matchAll(CELLS[separator]), ([, text = '']) => text)
}
