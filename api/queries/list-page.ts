import type { Cursors } from './cursor.ts'
import { pageOf } from './paging.ts'
import { Problem } from '../replies/problem.ts'
import { afterOf } from './span.ts'

interface PageCall {
  readonly query: { readonly limit: number; readonly cursor?: string | undefined }
  readonly route: string
}

export interface ListPage<T> {
  readonly data: readonly T[]
  readonly next: string | null
}

/** A page of a list that has no time: entries of the registry, sums, last values. */
export function listPage<T>(
  rows: readonly T[],
  keyOf: (row: T) => string,
  { query, route }: PageCall,
  cursors: Cursors,
): ListPage<T> | Problem {
  const start = afterOf(query, { cursors, query: route })
  if (start instanceof Problem) return start
  const { data, after } = pageOf(rows, keyOf, { after: start.after, limit: query.limit })
  const next = after === null ? null : cursors.seal({ query: route, fromNs: 0n, toNs: 0n, after })
  return { data, next }
}
