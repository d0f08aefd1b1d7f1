import { setTimeout as pause } from 'node:timers/promises'
import type { Device } from '#lib/registry/registry.ts'
import { createBackoff } from '#lib/runtime/back-off.ts'
import { isoOf, type Clock } from '#lib/runtime/clock.ts'
import { isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Random } from '#lib/runtime/random.ts'
import type { Influx } from '#lib/store/influx/client/influx.ts'
import { pointLine, type Point } from '#lib/store/influx/write/line.ts'
import type { IngestPort } from '#lib/telemetry/questions.ts'
import type { Journal } from '../journal/journal.ts'
import { createBacklog, type Backlog } from './backlog.ts'
import { SERIES } from './catalogue.ts'
import { markAgain, type Run } from './due.ts'
import { expireSeries, type KeepDays } from './expire.ts'
import { meterDigest } from './heat-meters.ts'
import { loadKnownKeys } from './known-keys.ts'
import { openMarksReader, progressOf, saveProgress } from './marks-file.ts'
import { createSampler, type Sample } from './sampler.ts'
import { STEP_NS, TooLarge, type Context } from './series.ts'

export interface DerivedOptions {
  /** `derived.db`, opened by `openMarker` in the worker before. */
  readonly path: string
  /** How long an interval is over before it is computed. */
  readonly settleMs: number
  /**
   * Other intakes write to the same InfluxDB. What only this one knows is then tagged with its
   * journal, and each run is computed twice: two that compute one minute could otherwise leave the
   * older figures, when the one that asked first writes last.
   */
  readonly isShared: boolean
  readonly keepDays: KeepDays
  /** Cells, operators and bands with a series of their own, each. */
  readonly maxKeys: number
  /** A key that was not seen for that long gives its place to another one. */
  readonly keepKeysDays: number
  /** How often it is looked what is due, and how long hours wait between two computations. */
  readonly tickMs: number
  readonly hourPauseMs: number
  /** Above 0, up to 1: how much of the time may go into questions and writing. */
  readonly timeShare: number
  readonly retryMs: number
  readonly maxRetryMs: number
}

export interface DerivedDeps {
  readonly port: IngestPort
  readonly influx: Pick<Influx, 'write' | 'query'>
  readonly devices: () => readonly Device[]
  readonly journal: Pick<Journal, 'id' | 'paused' | 'status'>
  readonly certificateDays: () => number | null
  readonly random: Pick<Random, 'next'>
  readonly clock: Clock
  readonly log: Log
}

/** Keeps the derived series of InfluxDB at what the API says. */
export interface Derived {
  registryChanged(): void
  /** How many intervals wait, and why they do; '' when nothing is wrong, and after `close`. */
  status(): { readonly waiting: number; readonly problem: string }
  /** Ends when closed; rejects for a bug. */
  readonly done: Promise<void>
  /** A question or a write under way is given up: its marks are still there. */
  close(): Promise<void>
}

/** Points of one run, lines of one request. */
const RUN_POINTS = 20_000
const WRITE_LINES = 2000
/** An hour of minutes, a month of hours in one question at most. */
const MAX_STEPS = { minute: 60, hour: 744 } as const
/** A run older than that is backlog. */
const LIVE_NS = 5n * STEP_NS.minute
const LONGEST_REST_MS = 5000
const DAY_NS = 24n * STEP_NS.hour
/** Longer than any question takes from being asked to its points being written. */
const SECOND_LOOK_NS = 2n * STEP_NS.minute

/**
 * One thing at a time: samples that are due, then one run of minutes or hours, then a rest. Nothing
 * is kept in memory beyond the points of one run; what cannot be written stays marked on disk and
 * is asked for again.
 */
export function createDerivedSeries(options: DerivedOptions, deps: DerivedDeps): Derived {
  const { clock, log, port, influx } = deps
  const db = openMarksReader(options.path)
  const stop = new AbortController()
  const { signal } = stop
  const { maxKeys, keepKeysDays: keepDays } = options
  const keys = loadKnownKeys(db, { maxKeys, keepDays, clock })
  const settleNs = BigInt(options.settleMs) * 1_000_000n
  const backlogOf = (step: 'minute' | 'hour') =>
    createBacklog(db, step, {
      settleNs,
      maxPoints: RUN_POINTS,
      maxSteps: MAX_STEPS[step],
      secondLookNs: options.isShared ? SECOND_LOOK_NS : null,
    })
  const minutes = backlogOf('minute')
  const hours = backlogOf('hour')
  const sampler = createSampler()
  const backoff = createBackoff({
    firstMs: options.retryMs,
    maxMs: options.maxRetryMs,
    random: deps.random,
  })
  let problem = ''
  const context: Context = {
    ask: (name, question) => port.ask(name, question, signal),
    query: (influxql) => influx.query(influxql, signal),
    devices: deps.devices,
    journal: deps.journal,
    ownTags: options.isShared ? { node: deps.journal.id } : {},
    certificateDays: deps.certificateDays,
    keys,
    clock,
  }
  let hourAtNs: bigint | null = null
  let expiredAtNs: bigint | null = null
  let hasRegistryChanged = true
  const done = work()

  return {
    registryChanged: () => void (hasRegistryChanged = true),
    status() {
      if (signal.aborted) return { waiting: 0, problem: '' }
      const nowNs = clock.nowNs()
      // A change of the registry may make all hours wait.
      const unread = hasRegistryChanged ? 1 : 0
      const count = minutes.waiting(nowNs) + hours.waiting(nowNs) + unread
      return { waiting: count, problem }
    },
    done,
    async close() {
      stop.abort()
      await done.catch(() => undefined)
      if (db.isOpen) db.close()
    },
  }

  async function work(): Promise<void> {
    while (!signal.aborted) {
      let restMs = options.tickMs
      try {
        restMs = await turn()
      } catch (error) {
        if (signal.aborted) return
        if (!isPlatformError(error)) throw error
        restMs = failed(error)
      }
      await pause(restMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Answers how long to rest before the next one. */
  async function turn(): Promise<number> {
    const beganNs = clock.monoNs()
    if (hasRegistryChanged) lookAtRegistry()
    if (expiredAtNs === null || beganNs - expiredAtNs > DAY_NS) {
      expiredAtNs = beganNs
      await expireSeries(options.keepDays, context, log)
    }
    for (const sample of sampler.due(clock.nowNs())) await take(sample)
    const [backlog, run] = nextRun() ?? []
    if (!backlog || !run) return options.tickMs
    await compute(backlog, run)
    const tookMs = Number(clock.monoNs() - beganNs) / 1e6
    return Math.min(LONGEST_REST_MS, tookMs * (1 / options.timeShare - 1))
  }

  /** Live minutes first; then hours, unless they were computed a moment ago; then older minutes. */
  function nextRun(): readonly [Backlog, Run] | null {
    const nowNs = clock.nowNs()
    const minute = minutes.next(nowNs)
    if (minute && nowNs - minute.toNs < LIVE_NS) return [minutes, minute]
    const sinceNs = hourAtNs === null ? null : clock.monoNs() - hourAtNs
    const isHoursTurn = sinceNs === null || sinceNs >= BigInt(options.hourPauseMs) * 1_000_000n
    const hour = isHoursTurn ? hours.next(nowNs) : null
    if (hour) return [hours, hour]
    return minute ? [minutes, minute] : null
  }

  async function compute(backlog: Backlog, run: Run): Promise<void> {
    let count = 0
    try {
      for (const { recompute } of SERIES) {
        if (recompute?.step !== backlog.step) continue
        const points = await recompute.points(run, context)
        await write(points)
        count += points.length
      }
    } catch (error) {
      // Whatever it was, a shorter run may pass: a time limit, or a server's limit of files.
      const isShorter = backlog.shrink(run)
      if (!(error instanceof TooLarge)) throw error
      if (isShorter) return
      log.error(
        { err: error, from: isoOf(run.fromNs) },
        'an interval of derived series is left out',
      )
    }
    if (backlog === hours) hourAtNs = clock.monoNs()
    backlog.done(run, count, clock.nowNs())
  }

  async function take(sample: Sample): Promise<void> {
    await write(await sample.points(clock.nowNs(), context))
    sample.done()
  }

  async function write(points: readonly Point[]): Promise<void> {
    for (let from = 0; from < points.length; from += WRITE_LINES) {
      await influx.write(points.slice(from, from + WRITE_LINES).map(pointLine), signal)
    }
    // Only now: a key without a point takes no place.
    if (points.length > 0) keys.save()
    worked()
  }

  function failed(error: unknown): number {
    problem = `derived series cannot be written: ${messageOf(error)}`
    if (backoff.attempts === 0) {
      log.warn({ err: error }, 'derived series cannot be written; what is due waits on disk')
    }
    return backoff.next()
  }

  function worked(): void {
    const { attempts } = backoff
    if (attempts > 0) log.info({ attempts }, 'derived series are written again')
    backoff.reset()
    problem = ''
  }

  /** Heat of the past follows the settings of the meters, as the API's does. */
  function lookAtRegistry(): void {
    hasRegistryChanged = false
    sampler.registryChanged()
    const digest = meterDigest(deps.devices())
    const before = progressOf(db, 'meters')
    if (digest === before) return
    const first = progressOf(db, 'first_hour')
    if (before !== null && first !== null) {
      markAgain(db, 'hour', { fromNs: BigInt(first) * STEP_NS.hour, toNs: clock.nowNs() })
    }
    saveProgress(db, 'meters', digest)
  }
}
