import type { Fault, Outcome } from './api-client.ts'
import { browserNowMs } from './clock.ts'
import { createCell, type Cell } from './cell.ts'

export interface Loaded<T> {
  /** The last good answer: it stays while newer ones fail. */
  readonly value: T | null
  readonly fault: Fault | null
  readonly loadedAtMs: number | null
}

export interface Poll<T> {
  readonly cell: Pick<Cell<Loaded<T>>, 'get'>
  /** Asks as long as somebody listens. Returns how to stop. */
  subscribe(listener: () => void): () => void
  /** Asks now. */
  refresh(): void
}

const JITTER = 0.1

/** Asks the same question again and again; one at a time, and not while the page is hidden. */
export function createPoll<T>(load: () => Promise<Outcome<T>>, everyMs: number): Poll<T> {
  const cell = createCell<Loaded<T>>({ value: null, fault: null, loadedAtMs: null })
  let listeners = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let isAsking = false

  return {
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
    if (isAsking || listeners === 0 || document.hidden) return
    void ask()
  }

  async function ask(): Promise<void> {
    isAsking = true
    const outcome = await load()
    isAsking = false
    const { value, loadedAtMs } = cell.get()
    cell.set(
      outcome.ok
        ? { value: outcome.value, fault: null, loadedAtMs: browserNowMs() }
        : { value, loadedAtMs, fault: outcome.fault },
    )
    if (listeners > 0) timer = setTimeout(refresh, everyMs * (1 + spread(everyMs)))
  }
}

let asked = 0

/** Polls of one page drift apart instead of asking all at once. */
function spread(everyMs: number): number {
  asked = (asked + 7) % 10
  return everyMs < 1000 ? 0 : (asked / 10) * JITTER
}
