import { setTimeout as pause } from 'node:timers/promises'

/**
 * Calls `act` on time `perS` times a second, whether or not earlier calls have ended, and gives the
 * milliseconds from when each was due until it was true. A false one is left out.
 */
export async function onSchedule(
  { perS, seconds }: { readonly perS: number; readonly seconds: number },
  act: (n: number) => Promise<boolean>,
): Promise<readonly number[]> {
  const times: number[] = []
  const inFlight: Promise<void>[] = []
  const begun = performance.now()
  for (let n = 0; n < perS * seconds; n += 1) {
    const dueMs = begun + (n * 1000) / perS
    const waitMs = dueMs - performance.now()
    if (waitMs > 1) await pause(waitMs)
    inFlight.push(
      act(n).then((isTrue) => {
        if (isTrue) times.push(performance.now() - dueMs)
      }),
    )
  }
  await Promise.all(inFlight)
  return times.toSorted((a, b) => a - b)
}

/** Of sorted values. */
export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
