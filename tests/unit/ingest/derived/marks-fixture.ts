import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { newestRun, runDone, type Run } from '../../../../ingest/derived/due.ts'
import { Marker } from '../../../../ingest/derived/marker.ts'
import { openMarksReader } from '../../../../ingest/derived/marks-file.ts'
import { STEP_NS, type Step } from '../../../../ingest/derived/series.ts'
import { temporaryDir } from '../../../support/platform.ts'

export const NOW_NS = 1_764_000_000_000_000_000n

/** A clock that moves only when it is turned. */
export function createTestClock(startNs = NOW_NS) {
  let ns = startNs
  return { nowNs: () => ns, monoNs: () => ns, turn: (byNs: bigint) => void (ns += byNs) }
}

export interface MarksPlace {
  readonly path: string
  readonly db: DatabaseSync
  open(more?: { readonly hasPast?: boolean; readonly backfillNs?: bigint }): Marker
  /** Marked intervals, the oldest first. */
  marked(step: Step): number[]
  /** Takes runs until nothing is due, as the loop does; answers them in that order. */
  takeAll(step: Step, steps: number): Run[]
  close(): void
}

export function openMarksPlace(clock: { nowNs(): bigint }): MarksPlace {
  const dir = temporaryDir('marks')
  const path = join(dir.path, 'derived.db')
  const db = openMarksReader(path)
  const markers: Marker[] = []
  return {
    path,
    db,
    open({ hasPast = false, backfillNs = 3n * STEP_NS.hour } = {}) {
      const marker = new Marker({
        path,
        clock,
        hasPast,
        backfillNs: { minute: backfillNs, hour: backfillNs },
      })
      markers.push(marker)
      return marker
    },
    marked: (step) =>
      db
        .prepare('SELECT at FROM marks WHERE step = ? ORDER BY at')
        .all(step)
        .map(({ at }) => Number(at)),
    takeAll(step, steps) {
      const runs: Run[] = []
      const limits = { before: Infinity, steps, nowMs: Number(clock.nowNs() / 1_000_000n) }
      for (;;) {
        const run = newestRun(db, step, limits)
        if (!run) return runs
        runs.push(run)
        runDone(db, run, null)
      }
    },
    close() {
      db.close()
      for (const marker of markers) marker.close()
      dir.remove()
    },
  }
}

export function minuteOf(timeNs: bigint): number {
  return Number(timeNs / STEP_NS.minute)
}

export function hourOf(timeNs: bigint): number {
  return Number(timeNs / STEP_NS.hour)
}
