import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import type { Device } from '#lib/registry/registry.ts'
import { isoOf, type Clock } from '#lib/runtime/clock.ts'
import { isPlatformError } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Random } from '#lib/runtime/random.ts'
import type { Influx } from '#lib/store/influx/client/influx.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import { isTooMany } from '#lib/telemetry/too-many.ts'
import type { Journal } from '../journal/journal.ts'
import { SERIES } from './catalogue.ts'
import { markAgain, type Run } from './due.ts'
import { expireSeries, type KeepDays } from './expire.ts'
import { meterDigest } from './heat-meters.ts'
import { loadKnownKeys, type KnownKeys } from './known-keys.ts'
import { openMarksReader, progressOf, saveProgress } from './marks-file.ts'
import { PointWriter } from './point-writer.ts'
import { RunQueue, type RunQueueOptions } from './run-queue.ts'
import { createSampler, type Sample } from './sampler.ts'
import { STEP_NS, TooLarge, type Context } from './series.ts'

export interface SeriesUpdaterOptions extends RunQueueOptions {
  /** `derived.db`, opened by the marker in the worker before. */
  readonly path: string
  /**
   * Other intakes write to the same InfluxDB. What only this one knows is then tagged with its
   * journal, and each run is computed twice: two that compute one minute could otherwise leave the
   * older figures, when the one that queried first writes last.
   */
  readonly isShared: boolean
  readonly keepDays: KeepDays
  /** Cells, operators and bands with a series of their own, each. */
  readonly maxKeys: number
  /** A key that was not seen for that long gives its place to another one. */
  readonly keepKeysDays: number
  /** How often it is checked what is due. */
  readonly tickMs: number
  /** Above 0, up to 1: how much of the time may go into queries and writing. */
  readonly timeShare: number
  readonly retryMs: number
  readonly maxRetryMs: number
}

export interface SeriesUpdaterDeps {
  readonly port: Pick<IngestPort, 'query' | 'status'>
  readonly influx: Pick<Influx, 'write' | 'query'>
  readonly devices: () => readonly Device[]
  readonly journal: Pick<Journal, 'id' | 'paused' | 'status'>
  readonly certificateDays: () => number | null
  /** Nothing may be dropped for its age meanwhile. */
  readonly isClockDoubtful: () => boolean
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
  /** A query or a write under way is given up: its marks are still there. */
  close(): Promise<void>
}

const MAX_REST_MS = 5000
const DAY_NS = 24n * STEP_NS.hour

/**
 * One thing at a time: samples that are due, then one run of minutes or hours, then a rest. Nothing
 * is kept in memory beyond the points of one run; what cannot be written stays marked on disk and
 * is computed again.
 */
export class SeriesUpdater implements Derived {
  readonly done: Promise<void>
  readonly #options: SeriesUpdaterOptions
  readonly #deps: SeriesUpdaterDeps
  readonly #stop = new AbortController()
  readonly #db: DatabaseSync
  readonly #queue: RunQueue
  readonly #sampler = createSampler()
  readonly #writer: PointWriter
  readonly #context: Context
  #expiredAtNs: bigint | null = null
  #hasRegistryChanged = true

  constructor(options: SeriesUpdaterOptions, deps: SeriesUpdaterDeps) {
    const { clock, log, influx, random } = deps
    const { maxKeys, keepKeysDays: keepDays, retryMs: firstMs, maxRetryMs: maxMs } = options
    const { signal } = this.#stop
    this.#options = options
    this.#deps = deps
    this.#db = openMarksReader(options.path)
    const keys = loadKnownKeys(this.#db, { maxKeys, keepDays, clock })
    this.#queue = new RunQueue(this.#db, clock, options)
    this.#writer = new PointWriter({ influx, keys, signal, log }, { firstMs, maxMs, random })
    this.#context = contextOf(deps, { keys, signal, isShared: options.isShared })
    this.done = this.#work()
  }

  registryChanged(): void {
    this.#hasRegistryChanged = true
  }

  status(): { readonly waiting: number; readonly problem: string } {
    if (this.#stop.signal.aborted) return { waiting: 0, problem: '' }
    // A change of the registry may make all hours wait.
    const unread = this.#hasRegistryChanged ? 1 : 0
    return { waiting: this.#queue.waiting + unread, problem: this.#writer.problem }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.done.catch(() => undefined)
    if (this.#db.isOpen) this.#db.close()
  }

  async #work(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      let restMs = this.#options.tickMs
      try {
        restMs = await this.#turn()
      } catch (error) {
        if (signal.aborted) return
        if (!isPlatformError(error)) throw error
        restMs = this.#writer.failed(error)
      }
      await pause(restMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Returns how long to rest before the next one. */
  async #turn(): Promise<number> {
    const { clock } = this.#deps
    const beganNs = clock.monoNs()
    if (this.#hasRegistryChanged) this.#readRegistry()
    await this.#expire(beganNs)
    for (const sample of this.#sampler.due(clock.nowNs())) await this.#take(sample)
    const run = this.#queue.next()
    if (!run) return this.#options.tickMs
    await this.#compute(run)
    const tookMs = Number(clock.monoNs() - beganNs) / 1e6
    return Math.min(MAX_REST_MS, tookMs * (1 / this.#options.timeShare - 1))
  }

  /** Once a day. */
  async #expire(nowNs: bigint): Promise<void> {
    if (this.#deps.isClockDoubtful()) return
    if (this.#expiredAtNs !== null && nowNs - this.#expiredAtNs <= DAY_NS) return
    this.#expiredAtNs = nowNs
    await expireSeries(this.#options.keepDays, this.#context, this.#deps.log)
  }

  async #compute(run: Run): Promise<void> {
    let count = 0
    try {
      for (const { recompute } of SERIES) {
        if (recompute?.step !== run.step) continue
        const points = await recompute.points(run, this.#context)
        await this.#writer.write(points)
        count += points.length
      }
    } catch (error) {
      // Whatever it was, a shorter run may pass: a time limit, or a server's limit of files.
      const isShorter = this.#queue.shrink(run)
      if (!(error instanceof TooLarge)) throw error
      if (isShorter) return
      const from = isoOf(run.fromNs)
      this.#deps.log.error({ err: error, from }, 'an interval of derived series is left out')
    }
    this.#queue.done(run, count)
  }

  async #take(sample: Sample): Promise<void> {
    await this.#writer.write(await sample.points(this.#deps.clock.nowNs(), this.#context))
    sample.done()
  }

  /** Heat of the past follows the settings of the meters, as the API's does. */
  #readRegistry(): void {
    const db = this.#db
    this.#hasRegistryChanged = false
    this.#sampler.registryChanged()
    const digest = meterDigest(this.#deps.devices())
    const before = progressOf(db, 'meters')
    if (digest === before) return
    const first = progressOf(db, 'first_hour')
    if (before !== null && first !== null) {
      const fromNs = BigInt(first) * STEP_NS.hour
      markAgain(db, 'hour', { fromNs, toNs: this.#deps.clock.nowNs() })
    }
    saveProgress(db, 'meters', digest)
  }
}

interface ContextParts {
  readonly keys: KnownKeys
  readonly signal: AbortSignal
  readonly isShared: boolean
}

function contextOf(
  { port, influx, devices, journal, certificateDays, clock }: SeriesUpdaterDeps,
  { keys, signal, isShared }: ContextParts,
): Context {
  return {
    async rows(name, query) {
      const result = await port.query(name, query, signal)
      if (isTooMany(result)) throw new TooLarge(`${name}: more than ${result.limit} rows to read`)
      return result.rows
    },
    status: () => port.status(signal),
    query: (influxql) => influx.query(influxql, signal),
    devices,
    journal,
    ownTags: isShared ? { node: journal.id } : {},
    certificateDays,
    keys,
    clock,
  }
}
