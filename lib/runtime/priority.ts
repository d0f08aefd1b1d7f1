import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'

/**
 * Lets the calling thread stand back where processors are scarce, by a niceness of 0 (none) to 19. Linux
 * has a niceness per thread, and `setpriority` takes a thread for a process; elsewhere nothing is done,
 * as it would be the whole process. Answers whether it was.
 */
export function yieldThread(niceness: number): boolean {
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
