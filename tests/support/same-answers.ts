import { BUCKET_RELATIVE_ERROR, BUCKET_SMALLEST_MS } from '#lib/kpi/buckets.ts'

/** How far apart two sums of the same numbers may be that were added up in another order. */
const ROUNDING = 1e-9
const PERCENTILES = new Set(['p50Ms', 'p95Ms', 'p99Ms'])
/** What tells exact figures from those of buckets. */
const METHOD = new Set(['method', 'relError'])

interface Place {
  readonly path: string
  /** Relative, and absolute around zero. */
  readonly error: number
  readonly nearZero: number
}

/**
 * What differs between two answers, one line each. Numbers are equal but for the order of adding;
 * where one side is exact and the other of buckets, percentiles may be off by the buckets' error.
 */
export function differences(ours: unknown, theirs: unknown): string[] {
  return compare(ours, theirs, { path: '', error: ROUNDING, nearZero: 0 })
}

function compare(ours: unknown, theirs: unknown, place: Place): string[] {
  const { path } = place
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (ours.length !== theirs.length) return [`${path}: ${ours.length}, ${theirs.length} rows`]
    return ours.flatMap((one, at) => compare(one, theirs[at], { ...place, path: `${path}[${at}]` }))
  }
  if (isRecord(ours) && isRecord(theirs)) return compareFields(ours, theirs, place)
  if (typeof ours === 'number' && typeof theirs === 'number') {
    const room = Math.max(place.error * Math.max(Math.abs(ours), Math.abs(theirs)), place.nearZero)
    if (Math.abs(ours - theirs) <= room) return []
  }
  return ours === theirs ? [] : [`${path}: ${JSON.stringify(ours)}, ${JSON.stringify(theirs)}`]
}

function compareFields(ours: Fields, theirs: Fields, place: Place): string[] {
  const isMixed = ours['method'] !== theirs['method']
  const names = new Set([...Object.keys(ours), ...Object.keys(theirs)])
  return [...names].flatMap((name) => {
    if (isMixed && METHOD.has(name)) return []
    const path = `${place.path}.${name}`
    const room =
      isMixed && PERCENTILES.has(name)
        ? { error: BUCKET_RELATIVE_ERROR, nearZero: BUCKET_SMALLEST_MS }
        : { error: ROUNDING, nearZero: 0 }
    return compare(ours[name], theirs[name], { path, ...room })
  })
}

type Fields = Readonly<Record<string, unknown>>

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
