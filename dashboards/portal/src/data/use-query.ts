import { useEffect, useState } from 'preact/hooks'
import type { Access } from '../api/available-paths.ts'
import type { Loaded, Poll } from './poll.ts'
import { useCell, usePortal } from './use-portal.ts'

export interface QueryState<T> extends Loaded<T> {
  readonly path: string
  readonly everyMs: number
  readonly access: Access
}

/** The result of a query, repeated while the component is on the page and wants it. */
export function useQuery<T>(poll: Poll<T>, isWanted = true): QueryState<T> {
  const portal = usePortal()
  useCell(portal.paths)
  const { path, everyMs, cell } = poll
  const access = portal.accessTo(path)
  const [, setVersion] = useState(0)
  useEffect(() => {
    if (access !== 'open' || !isWanted) return undefined
    const render = () => setVersion((version) => version + 1)
    render()
    return poll.subscribe(render)
  }, [poll, access, isWanted])
  return { ...cell.get(), path, everyMs, access }
}
