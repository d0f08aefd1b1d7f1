import { setTimeout as wait } from 'node:timers/promises'

/** Waits, or returns early when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // The only error is the abort, which the caller knows of.
  await wait(ms, undefined, { signal }).catch(() => undefined)
}
