/** Bounds how much work is in flight. */
export interface Window {
  /** Resolves when the work has begun; waits for a free place first. */
  enter(work: () => Promise<void>): Promise<void>
  /** Resolves when no work is in flight; rejects with the first error. */
  empty(): Promise<void>
}

export function createWindow(size: number): Window {
  const inFlight = new Set<Promise<void>>()
  const waiting: (() => void)[] = []
  let failure: { readonly error: unknown } | null = null

  return {
    async enter(work) {
      if (inFlight.size >= size) await new Promise<void>((resolve) => waiting.push(resolve))
      if (failure) throw failure.error
      const running = work()
        .catch((error: unknown) => {
          failure ??= { error }
        })
        .finally(() => {
          inFlight.delete(running)
          waiting.shift()?.()
        })
      inFlight.add(running)
    },
    async empty() {
      while (inFlight.size > 0) await Promise.all(inFlight)
      if (failure) throw failure.error
    },
  }
}
