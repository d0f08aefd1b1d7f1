import { setTimeout as pause } from 'node:timers/promises'

/** Waits until the condition answers something other than false, null or undefined. */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: { readonly timeoutMs?: number; readonly everyMs?: number; readonly what?: string } = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const { timeoutMs = 10_000, everyMs = 20, what = 'the condition' } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value !== false && value !== null && value !== undefined) {
      return value as NonNullable<Exclude<T, false>>
    }
    if (performance.now() > deadline)
      throw new Error(`${what} did not come true in ${timeoutMs} ms`)
    await pause(everyMs)
  }
}
