import type { DatabaseSync } from 'node:sqlite'
import { newestRun, runDone, waiting, type Run } from './due.ts'
import { STEP_NS, type Step } from './series.ts'

/** Which run of one step comes next, and how long it may be. */
export interface Backlog {
  readonly step: Step
  /** Null when nothing is due. */
  next(nowNs: bigint): Run | null
  /** Its points are written: their number decides how long the next run may be. */
  done(run: Run, points: number, nowNs: bigint): void
  /** A run was too much for one query. True: it is tried again with fewer intervals. */
  shrink(run: Run): boolean
  waiting(nowNs: bigint): number
}

export interface BacklogOptions {
  /** Intervals are over for that long before they are computed: most of their readings are in. */
  readonly graceNs: bigint
  /** Points of one run, about: all that is in memory. */
  readonly maxPoints: number
  readonly maxSteps: number
  /** After that time each run is computed once more; null: it is right the first time. */
  readonly secondLookNs: bigint | null
}

/**
 * Turns alternate between the newest run and a sweep that goes down from it to the oldest: the
 * present is shown soon, and a stream of late readings cannot keep old intervals waiting for ever.
 */
export function createBacklog(db: DatabaseSync, step: Step, options: BacklogOptions): Backlog {
  let steps = 1
  let sweepBefore: number | null = null
  let isSweep = false

  return {
    step,
    next(nowNs) {
      const swept = isSweep && sweepBefore !== null ? newest(nowNs, sweepBefore) : null
      return swept ?? newest(nowNs)
    },
    done(run, points, nowNs) {
      const { secondLookNs } = options
      runDone(db, run, secondLookNs === null ? null : msOf(nowNs + secondLookNs))
      const perStep = Math.max(1, points / (run.to - run.from + 1))
      const fitting = Math.floor(options.maxPoints / perStep)
      // By doubling: what the last run was does not say much about a longer one.
      steps = Math.max(1, Math.min(options.maxSteps, steps * 2, fitting))
      if (isSweep || sweepBefore === null) sweepBefore = run.from
      isSweep = !isSweep
    },
    shrink({ from, to }) {
      const length = to - from + 1
      steps = Math.max(1, Math.floor(length / 2))
      return length > 1
    },
    waiting: (nowNs) => waiting(db, step, { before: endOf(nowNs), nowMs: msOf(nowNs) }),
  }

  function newest(nowNs: bigint, below = Infinity): Run | null {
    const before = Math.min(endOf(nowNs), below)
    return newestRun(db, step, { before, steps, nowMs: msOf(nowNs) })
  }

  function endOf(nowNs: bigint): number {
    return Number((nowNs - options.graceNs) / STEP_NS[step])
  }
}

function msOf(ns: bigint): number {
  return Number(ns / 1_000_000n)
}
