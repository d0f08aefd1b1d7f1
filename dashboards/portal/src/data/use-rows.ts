import { useMemo } from 'preact/hooks'
import type { QueryName } from '#lib/queries/catalogue.ts'
import type { Parameters } from '../api/api-client.ts'
import type { Row, Series } from '../api/rows.ts'
import { createPoll } from './poll.ts'
import { usePortal } from './use-portal.ts'
import { useQuery, type QueryState } from './use-query.ts'

interface Repeated<N extends QueryName> {
  readonly query: N
  /** Below `/api/v1`, as in the declaration of the query. */
  readonly path: string
  readonly everyMs: number
  /** Computed at each request, from the time of the platform. */
  readonly parameters: (nowMs: number) => Parameters
}

/** The rows of a query that only one panel shows, repeated while it is on the page. */
export function useRows<N extends QueryName>(repeated: Repeated<N>): QueryState<Series<Row<N>>> {
  const { client, clock } = usePortal()
  const poll = useMemo(() => {
    const { path, everyMs, parameters } = repeated
    const load = () => client.get<Series<Row<N>>>(path, parameters(clock.nowMs()))
    return createPoll({ path, everyMs, load })
  }, [client, clock, repeated])
  return useQuery(poll)
}
