/** Results older than this show their age when newer ones cannot be loaded. */
const STALE_MS = 10_000

interface Age {
  readonly loadedAtMs: number | null
  /** Null where the last request succeeded. */
  readonly fault: object | null
  readonly everyMs: number
}

/** Also a result that nothing has replaced for two intervals: the request hangs. */
export function isStale({ loadedAtMs, fault, everyMs }: Age, nowMs: number): boolean {
  if (loadedAtMs === null) return false
  return nowMs - loadedAtMs > (fault ? STALE_MS : STALE_MS + 2 * everyMs)
}
