import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { browserNowMs } from './clock.ts'
import type { Loaded, Poll } from './poll.ts'
import type { Opening, Portal } from './portal.ts'

const PortalContext = createContext<Portal | null>(null)
export const PortalProvider = PortalContext.Provider

export function usePortal(): Portal {
  const portal = useContext(PortalContext)
  if (!portal) throw new Error('a part of the page was drawn outside the portal')
  return portal
}

interface Readable<T> {
  get(): T
  subscribe(listener: () => void): () => void
}

/** The value of a cell; draws again when it changes. */
export function useCell<T>(cell: Readable<T>): T {
  const [, setVersion] = useState(0)
  useEffect(() => {
    const draw = () => setVersion((version) => version + 1)
    // It may have changed between the first drawing and now.
    draw()
    return cell.subscribe(draw)
  }, [cell])
  return cell.get()
}

export interface Answer<T> extends Loaded<T> {
  readonly opening: Opening
}

/** What an address answers, asked again and again while the part is on the page and wants it. */
export function useAnswer<T>(path: string, poll: Poll<T>, isWanted = true): Answer<T> {
  const portal = usePortal()
  useCell(portal.features)
  const opening = portal.opening(path)
  const [, setVersion] = useState(0)
  useEffect(() => {
    if (opening !== 'open' || !isWanted) return undefined
    const draw = () => setVersion((version) => version + 1)
    draw()
    return poll.subscribe(draw)
  }, [poll, opening, isWanted])
  return { ...poll.cell.get(), opening }
}

/** Draws again every so often: for ages. By the clock of the platform. */
export function useNow(everyMs = 1000): number {
  const { clock } = usePortal()
  const [, setNow] = useState(browserNowMs())
  useEffect(() => {
    const timer = setInterval(() => setNow(browserNowMs()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return clock.nowMs()
}
