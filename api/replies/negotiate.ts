import { Problem } from './problem.ts'

export type Format = 'json' | 'csv' | 'parquet'

const TYPES: Readonly<Record<string, Format>> = {
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
  as: Format | undefined,
  accept: string | undefined,
  { hasParquet }: { readonly hasParquet: boolean },
): Format | Problem {
  const wanted = as ?? preferred(accept)
  if (wanted !== null && (wanted !== 'parquet' || hasParquet)) return wanted
  if (wanted === 'parquet') return noParquet()
  const got = accept?.slice(0, 80)
  const detail = `expected application/json or text/csv, got "${got}"; accept one of these`
  return new Problem(406, detail)
}

/** For what cannot be had as Parquet. */
export function noParquet(): Problem {
  const detail =
    'expected application/json or text/csv, got Parquet, which there is of raw readings only ' +
    '(/readings without every); ask for text/csv'
  return new Problem(406, detail)
}

function preferred(accept: string | undefined): Format | null {
  if (accept === undefined || accept.trim() === '') return 'json'
  const ranges = accept.split(',').map((part, at) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const quality = parameters.find((text) => text.startsWith('q='))
    return { format: TYPES[type] ?? null, q: quality ? Number(quality.slice(2)) : 1, at }
  })
  const usable = ranges.filter(({ format, q }) => format !== null && q > 0)
  return usable.toSorted((a, b) => b.q - a.q || a.at - b.at)[0]?.format ?? null
}
