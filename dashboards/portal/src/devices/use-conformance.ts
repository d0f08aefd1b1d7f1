import { useMemo } from 'preact/hooks'
import type { Conformance } from '../api/rows.ts'
import { createPoll } from '../data/poll.ts'
import { usePortal } from '../data/use-portal.ts'
import { useQuery, type QueryState } from '../data/use-query.ts'

/** As the OpenAPI document names it. */
export const CONFORMANCE = '/devices/{id}/conformance'
/** So that whoever fixes a device sees the effect at once. */
const EVERY_MS = 3000

export function useConformance(device: string): QueryState<Conformance> {
  const { client } = usePortal()
  const poll = useMemo(() => {
    const path = `/devices/${encodeURIComponent(device)}/conformance`
    return createPoll({
      path: CONFORMANCE,
      everyMs: EVERY_MS,
      load: () => client.get<Conformance>(path),
    })
  }, [device])
  return useQuery(poll)
}
