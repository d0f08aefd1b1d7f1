import type { DatabaseSync } from 'node:sqlite'
import type { Span } from '#lib/telemetry/span.ts'
import { latestVersion, markSpan } from './marks-file.ts'
import { STEP_NS, type Step } from './series.ts'

/** A run of intervals to be computed in one go, and the version of the marks it was read at. */
export interface Run extends Span {
  readonly step: Step
  readonly from: number
  readonly to: number
  readonly version: number
}

interface RunLimits {
  /** Intervals from here on are not over yet. */
  readonly before: number
  /** Longest run. */
  readonly steps: number
  /** Marks that are put off until later are not due. */
  readonly nowMs: number
}

/** Between marks this near to one another everything is computed: one query is cheaper than two. */
const GAP: Readonly<Record<Step, number>> = { minute: 5, hour: 24 }

const IS_DUE = 'step = ? AND at < ? AND due_ms <= ?'

/** What is due, the newest first: a board shows the present while a backlog is worked off. */
export function newestRun(db: DatabaseSync, step: Step, limits: RunLimits): Run | null {
  const { before, steps, nowMs } = limits
  // First, so that a mark that comes in between is newer than the version.
  const version = latestVersion(db)
  const marks = db
    .prepare(`SELECT at FROM marks WHERE ${IS_DUE} ORDER BY at DESC LIMIT ?`)
    .all(step, before, nowMs, steps)
    .map((mark) => Number(mark['at']))
  const to = marks[0]
  if (to === undefined) return null
  let from = to
  for (const at of marks) {
    if (from - at > GAP[step] || to - at >= steps) break
    from = at
  }
  const stepNs = STEP_NS[step]
  return { step, from, to, version, fromNs: BigInt(from) * stepNs, toNs: BigInt(to + 1) * stepNs }
}

/**
 * The points of a run are written: its marks go, but for those that came meanwhile. With a time for
 * a second look they are only put off, and go after that one.
 */
export function runDone(
  db: DatabaseSync,
  { step, from, to, version }: Run,
  secondLookMs: number | null,
): void {
  const marks = 'step = ? AND at BETWEEN ? AND ? AND version <= ?'
  const looked = secondLookMs === null ? '' : ' AND looks > 0'
  db.prepare(`DELETE FROM marks WHERE ${marks}${looked}`).run(step, from, to, version)
  if (secondLookMs === null) return
  db.prepare(`UPDATE marks SET looks = looks + 1, due_ms = ? WHERE ${marks}`).run(
    secondLookMs,
    step,
    from,
    to,
    version,
  )
}

/** How many intervals wait. */
export function waiting(
  db: DatabaseSync,
  step: Step,
  { before, nowMs }: Omit<RunLimits, 'steps'>,
): number {
  const row = db.prepare(`SELECT count(*) AS n FROM marks WHERE ${IS_DUE}`)
  return Number(row.get(step, before, nowMs)?.['n'])
}

/** Marks a span again: what its points are computed from has changed. */
export function markAgain(db: DatabaseSync, step: Step, { fromNs, toNs }: Span): void {
  const stepNs = STEP_NS[step]
  const span = { from: Number(fromNs / stepNs), to: Number(toNs / stepNs) }
  markSpan(db, step, span, latestVersion(db))
}
