import { useEffect, useState } from 'preact/hooks'
import { browserNowMs } from '../api/platform-clock.ts'
import { isStale } from './stale.ts'
import type { QueryState } from './use-query.ts'

/** Whether the result on the screen is old; renders again only when that changes. */
export function useStale(query: QueryState<unknown>): boolean {
  const [, setStale] = useState(false)
  useEffect(() => {
    const timer = setInterval(() => setStale(isStale(query, browserNowMs())), 1000)
    return () => clearInterval(timer)
  }, [query.loadedAtMs, query.fault, query.everyMs])
  return isStale(query, browserNowMs())
}
