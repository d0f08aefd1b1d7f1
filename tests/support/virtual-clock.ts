import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A time of day for a platform in a process of its own; it stands still until it is set. */
export interface VirtualClock {
  readonly env: Readonly<Record<string, string>>
  /** Flags of Node.js before the entry point. */
  readonly flags: readonly string[]
  set(timeMs: number): void
}

/**
 * Data that were recorded once stay as young as they were: retention, "the last minutes" and default
 * spans of a platform with this clock do not depend on the day on which a test runs. The time passes
 * through a file, so that every thread of the platform sees the same one.
 */
export function createVirtualClock(dir: string, timeMs: number): VirtualClock {
  const path = join(dir, 'virtual-clock')
  const file = openSync(path, 'w')
  set(timeMs)
  return {
    env: { VIRTUAL_CLOCK_FILE: path },
    flags: ['--import', join(import.meta.dirname, 'virtual-clock-preload.ts')],
    set,
  }

  function set(ms: number): void {
    const timeNs = BigInt(Math.round(ms * 1000)) * 1000n
    writeSync(file, BigInt64Array.of(timeNs), 0, 8, 0)
  }
}
