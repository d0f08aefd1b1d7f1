import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#lib/runtime/clock.ts'
import { createBacklog, type Backlog } from './backlog.ts'
import type { Run } from './due.ts'
import { STEP_NS, type Step } from './series.ts'

export interface RunQueueOptions {
  /** How long an interval is over before it is computed. */
  readonly graceMs: number
  /** How long hours wait between two computations. */
  readonly hourPauseMs: number
  /** Each run is computed twice (`SeriesUpdaterOptions`). */
  readonly isShared: boolean
}

/** Points of one run. */
const RUN_POINTS = 20_000
/** An hour of minutes, a month of hours in one query at most. */
const MAX_STEPS = { minute: 60, hour: 744 } as const
/** A run older than that is backlog. */
const LIVE_NS = 5n * STEP_NS.minute
/** Longer than any query takes from its start to its points being written. */
const SECOND_LOOK_NS = 2n * STEP_NS.minute

/** Which run of which step comes next. */
export class RunQueue {
  readonly #minutes: Backlog
  readonly #hours: Backlog
  readonly #hourPauseNs: bigint
  readonly #clock: Clock
  #hourAtNs: bigint | null = null

  constructor(db: DatabaseSync, clock: Clock, options: RunQueueOptions) {
    const backlogOf = (step: Step) =>
      createBacklog(db, step, {
        graceNs: BigInt(options.graceMs) * 1_000_000n,
        maxPoints: RUN_POINTS,
        maxSteps: MAX_STEPS[step],
        secondLookNs: options.isShared ? SECOND_LOOK_NS : null,
      })
    this.#minutes = backlogOf('minute')
    this.#hours = backlogOf('hour')
    this.#hourPauseNs = BigInt(options.hourPauseMs) * 1_000_000n
    this.#clock = clock
  }

  get waiting(): number {
    const nowNs = this.#clock.nowNs()
    return this.#minutes.waiting(nowNs) + this.#hours.waiting(nowNs)
  }

  /** Live minutes first; then hours, unless they were computed a moment ago; then older minutes. */
  next(): Run | null {
    const nowNs = this.#clock.nowNs()
    const minute = this.#minutes.next(nowNs)
    if (minute && nowNs - minute.toNs < LIVE_NS) return minute
    const sinceNs = this.#hourAtNs === null ? null : this.#clock.monoNs() - this.#hourAtNs
    const isHoursTurn = sinceNs === null || sinceNs >= this.#hourPauseNs
    return (isHoursTurn ? this.#hours.next(nowNs) : null) ?? minute
  }

  /** Its points are written: their number decides how long the next run may be. */
  done(run: Run, points: number): void {
    if (run.step === 'hour') this.#hourAtNs = this.#clock.monoNs()
    this.#backlogOf(run).done(run, points, this.#clock.nowNs())
  }

  /** A run was too much for one query. True: it is tried again with fewer intervals. */
  shrink(run: Run): boolean {
    return this.#backlogOf(run).shrink(run)
  }

  #backlogOf({ step }: Run): Backlog {
    return step === 'hour' ? this.#hours : this.#minutes
  }
}
