import type { Clock } from '#lib/runtime/clock.ts'

/** The radio link of a device: messages keep their order. */
export interface Air {
  /** Calls `arrive` after the delay, and never before an earlier message has arrived. */
  carry(delayMs: number, arrive: () => void): void
  /** Messages in transit are lost. */
  close(): void
}

export function createAir(clock: Clock): Air {
  const inTransit = new Set<NodeJS.Timeout>()
  let lastMs = 0

  return {
    carry(delayMs, arrive) {
      const nowMs = Number(clock.monoNs()) / 1e6
      // Radio networks keep the order: a slow message delays those behind it (docs/domain.md 5.3).
      lastMs = Math.max(lastMs, nowMs + delayMs)
      const timer = setTimeout(() => {
        inTransit.delete(timer)
        arrive()
      }, lastMs - nowMs)
      inTransit.add(timer)
    },
    close() {
      for (const timer of inTransit) clearTimeout(timer)
      inTransit.clear()
    },
  }
}
