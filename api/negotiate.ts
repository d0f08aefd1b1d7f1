import { Problem } from './problem.ts'

export type Format = 'json' | 'csv'

const TYPES: Readonly<Record<string, Format | 'parquet'>> = {
  '*/*': 'json',
  'application/*': 'json',
  'application/json': 'json',
  'application/problem+json': 'json',
  'text/*': 'csv',
  'text/csv': 'csv',
  'application/vnd.apache.parquet': 'parquet',
}

/** The format of a list or series: the address decides, else the Accept header (RFC 9110 12.5.1). */
export function formatOf(
  as: Format | 'parquet' | undefined,
  accept: string | undefined,
): Format | Problem {
  const wanted = as ?? preferred(accept)
  if (wanted === 'json' || wanted === 'csv') return wanted
  const detail =
    wanted === 'parquet'
      ? 'expected application/json or text/csv, got Parquet, which this platform does not write ' +
        'yet; ask for text/csv'
      : `expected application/json or text/csv, got "${accept?.slice(0, 80)}"; accept one of these`
  return new Problem(406, detail)
}

function preferred(accept: string | undefined): Format | 'parquet' | null {
  if (accept === undefined || accept.trim() === '') return 'json'
  const ranges = accept.split(',').map((part, at) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const quality = parameters.find((text) => text.startsWith('q='))
    return { format: TYPES[type] ?? null, q: quality ? Number(quality.slice(2)) : 1, at }
  })
  const usable = ranges.filter(({ format, q }) => format !== null && q > 0)
  return usable.toSorted((a, b) => b.q - a.q || a.at - b.at)[0]?.format ?? null
}
