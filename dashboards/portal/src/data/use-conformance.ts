import { useMemo } from 'preact/hooks'
import type { Conformance } from './answers.ts'
import { useAnswer, usePortal, type Answer } from './hooks.ts'
import { createPoll } from './poll.ts'

/** As the API document names it. */
export const CONFORMANCE = '/devices/{id}/conformance'
/** So that whoever mends a device sees it at once. */
const EVERY_MS = 3000

export function useConformance(device: string): Answer<Conformance> {
  const { client } = usePortal()
  const poll = useMemo(
    () =>
      createPoll(
        () => client.get<Conformance>(`/devices/${encodeURIComponent(device)}/conformance`),
        EVERY_MS,
      ),
    [device],
  )
  return useAnswer(CONFORMANCE, poll)
}
