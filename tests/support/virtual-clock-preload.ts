import { openSync, readSync } from 'node:fs'

/*
 * Preloaded into a platform by `virtual-clock.ts`, in each of its threads: from here on the time of day
 * is what the file says. Monotonic time goes on, so that timers and measured durations are real.
 */
const path = process.env['VIRTUAL_CLOCK_FILE']
if (path === undefined) throw new Error('expected the path of the clock in VIRTUAL_CLOCK_FILE')
const file = openSync(path, 'r')
const timeNs = new BigInt64Array(1)

function instant(): Temporal.Instant {
  readSync(file, timeNs, 0, 8, 0)
  return Temporal.Instant.fromEpochNanoseconds(timeNs[0] ?? 0n)
}

Object.assign(Temporal.Now, { instant })
