import type { Fault, Outcome } from '../api/outcome.ts'
import { browserNowMs } from '../api/platform-clock.ts'
import { createCell, type Cell } from './cell.ts'

export interface Loaded<T> {
  /** The last good result: it stays while newer requests fail. */
  readonly value: T | null
  readonly fault: Fault | null
  readonly loadedAtMs: number | null
}

export interface Poll<T> {
  /** Path of the query as the OpenAPI document names it. */
  readonly path: string
  readonly everyMs: number
  readonly cell: Pick<Cell<Loaded<T>>, 'get'>
  /** Loads as long as there is a listener. Returns how to stop listening. */
  subscribe(listener: () => void): () => void
  /** Loads now. */
  refresh(): void
}

export interface PollOptions<T> {
  readonly path: string
  readonly everyMs: number
  readonly load: () => Promise<Outcome<T>>
}

/** Repeats a query: one request at a time, and none while the page is hidden. */
export function createPoll<T>({ path, everyMs, load }: PollOptions<T>): Poll<T> {
  const cell = createCell<Loaded<T>>({ value: null, fault: null, loadedAtMs: null })
  let listeners = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let isLoading = false

  return {
    path,
    everyMs,
    cell,
    subscribe(listener) {
      const leave = cell.subscribe(listener)
      listeners += 1
      if (listeners === 1) {
        document.addEventListener('visibilitychange', refresh)
        refresh()
      }
      return () => {
        leave()
        listeners -= 1
        if (listeners > 0) return
        document.removeEventListener('visibilitychange', refresh)
        clearTimeout(timer)
      }
    },
    refresh,
  }

  function refresh(): void {
    clearTimeout(timer)
    if (isLoading || listeners === 0 || document.hidden) return
    void loadOnce()
  }

  async function loadOnce(): Promise<void> {
    isLoading = true
    const outcome = await load()
    isLoading = false
    const { value, loadedAtMs } = cell.get()
    cell.set(
      outcome.ok
        ? { value: outcome.value, fault: null, loadedAtMs: browserNowMs() }
        : { value, loadedAtMs, fault: outcome.fault },
    )
    if (listeners > 0) timer = setTimeout(refresh, everyMs + jitterMs(everyMs))
  }
}

const JITTER = 0.1
let loads = 0

/** Polls of one page drift apart instead of all loading at once. */
function jitterMs(everyMs: number): number {
  loads = (loads + 7) % 10
  return everyMs < 1000 ? 0 : (loads / 10) * JITTER * everyMs
}
