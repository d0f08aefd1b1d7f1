import type { Clock } from '#lib/runtime/clock.ts'

/** The way between a device and the network: what goes in first comes out first. */
export interface Air {
  /** Calls `arrive` after the delay, and never before what was sent earlier. */
  carry(delayMs: number, arrive: () => void): void
  /** What is under way is lost. */
  close(): void
}

export function createAir(clock: Clock): Air {
  const underWay = new Set<NodeJS.Timeout>()
  let lastMs = 0

  return {
    carry(delayMs, arrive) {
      const nowMs = Number(clock.monoNs()) / 1e6
      // Radio networks keep the order: a slow message holds up those behind it
      // (docs/domain.md 5.3).
      lastMs = Math.max(lastMs, nowMs + delayMs)
      const timer = setTimeout(() => {
        underWay.delete(timer)
        arrive()
      }, lastMs - nowMs)
      underWay.add(timer)
    },
    close() {
      for (const timer of underWay) clearTimeout(timer)
      underWay.clear()
    },
  }
}
