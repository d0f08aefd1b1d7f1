import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
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

/**
 * Lets V8's helper threads stand back (garbage collection beside the program, compilation): all isolates
 * share them, and together they are as many as processors, or more. Answers how many did; 0 elsewhere
 * than on Linux.
 */
export function yieldHelpers(niceness: number): number {
  if (process.platform !== 'linux') return 0
  try {
    const tasks = '/proc/self/task'
    const helpers = readdirSync(tasks).filter(
      (task) => readFileSync(`${tasks}/${task}/comm`, 'utf8') === 'node-V8Worker\n',
    )
    for (const helper of helpers) setPriority(Number(helper), niceness)
    return helpers.length
  } catch {
    return 0
  }
}
