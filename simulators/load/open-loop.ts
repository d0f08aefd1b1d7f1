import type { Clock } from '#lib/runtime/clock.ts'

/*
 * An open loop sends at planned times, independent of the answers: a slow platform does not slow the
 * load, and a late send counts from its planned time.
 */

export interface OpenLoop {
  /** Per second, all devices together. */
  readonly rate: number
  readonly seconds: number
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Calls `send` for each slot with the planned time; resolves when the last one was sent. */
export function runOpenLoop(
  { rate, seconds, clock, signal }: OpenLoop,
  send: (slot: number, plannedNs: bigint) => void,
): Promise<{ readonly sent: number; readonly maxLagMs: number }> {
  const startNs = clock.monoNs()
  const total = Math.round(rate * seconds)
  let slot = 0
  let maxLagNs = 0n

  return new Promise((resolve) => {
    const turn = () => {
      const nowNs = clock.monoNs()
      for (; slot < total && !signal.aborted; slot += 1) {
        const plannedNs = startNs + BigInt(Math.round((slot / rate) * 1e9))
        if (plannedNs > nowNs) break
        if (nowNs - plannedNs > maxLagNs) maxLagNs = nowNs - plannedNs
        send(slot, plannedNs)
      }
      if (slot < total && !signal.aborted) setTimeout(turn, 1)
      else resolve({ sent: slot, maxLagMs: Number(maxLagNs) / 1e6 })
    }
    turn()
  })
}
