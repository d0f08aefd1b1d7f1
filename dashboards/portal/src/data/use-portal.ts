import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { browserNowMs } from '../api/platform-clock.ts'
import type { Portal } from './portal.ts'

const PortalContext = createContext<Portal | null>(null)
export const PortalProvider = PortalContext.Provider

export function usePortal(): Portal {
  const portal = useContext(PortalContext)
  if (!portal) throw new Error('expected a PortalProvider above this component, found none')
  return portal
}

interface Readable<T> {
  get(): T
  subscribe(listener: () => void): () => void
}

/** The value of a cell; renders again when it changes. */
export function useCell<T>(cell: Readable<T>): T {
  const [, setVersion] = useState(0)
  useEffect(() => {
    const render = () => setVersion((version) => version + 1)
    // It may have changed between the first rendering and now.
    render()
    return cell.subscribe(render)
  }, [cell])
  return cell.get()
}

/** The time by the clock of the platform; renders again at each interval, so that ages grow. */
export function useNow(everyMs = 1000): number {
  const { clock } = usePortal()
  const [, setNow] = useState(browserNowMs())
  useEffect(() => {
    const timer = setInterval(() => setNow(browserNowMs()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return clock.nowMs()
}
