import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'

/**
 * Gives the calling thread a lower priority, by a niceness of 0 (none) to 19. Linux has a niceness per
 * thread, and `setpriority` takes a thread for a process; elsewhere nothing is done, as it would change
 * the whole process. Returns whether it was done.
 */
export function lowerOwnPriority(niceness: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    // "<process>/task/<thread>"
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    if (!Number.isSafeInteger(thread) || thread === process.pid) return false
    setPriority(thread, niceness)
    return true
  } catch {
    // Without /proc, or where a sandbox forbids it, all threads are equal.
    return false
  }
}

/** Threads that all isolates of a process share, by the names Node.js gives them. */
export type SharedThreads = 'node-V8Worker' | 'libuv-worker'

/**
 * Gives a lower priority to threads that all isolates share: V8's helpers (garbage collection beside
 * the program, compilation) or libuv's pool (DuckDB's queries, files, password hashing). Only those
 * that run already. Returns how many; 0 elsewhere than on Linux.
 */
export function lowerSharedPriority(name: SharedThreads, niceness: number): number {
  if (process.platform !== 'linux') return 0
  try {
    const tasks = '/proc/self/task'
    const threads = readdirSync(tasks).filter(
      (task) => readFileSync(`${tasks}/${task}/comm`, 'utf8') === `${name}\n`,
    )
    for (const thread of threads) setPriority(Number(thread), niceness)
    return threads.length
  } catch {
    return 0
  }
}
