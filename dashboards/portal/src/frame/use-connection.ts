import { useCell, useNow, usePortal } from '../data/use-portal.ts'
import { connectionOf, type Connection } from './connection-state.ts'

export function useConnection(): Connection {
  const { contact, lastValues } = usePortal()
  const nowMs = useNow()
  const newestMs = useCell(lastValues.newestMs)
  return connectionOf({ ...contact.get(), newestMs, nowMs })
}
