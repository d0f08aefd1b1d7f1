import { join } from 'node:path'
import { PlatformError, isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import { HOUR_NS, MINUTE_NS, floorTo, hasPassed } from '#lib/telemetry/time-grid.ts'
import { Admission, closedError } from '../admission.ts'
import type { StoreOptions } from '../options.ts'
import { positionsOf } from '../positions.ts'
import { Serial } from '../serial.ts'
import type {
  ExactLatency,
  Identity,
  Known,
  MaintenanceReport,
  ReadingsFiles,
  Store,
  StoreBatch,
  StoreReader,
  StoreUpkeep,
  StoreWriter,
  WriteReport,
} from '../store.ts'
import type { Influx } from './client/influx.ts'
import type { Preparation } from './client/preparation.ts'
import { RequestSize } from './client/request-size.ts'
import { ServerPause } from './client/server-pause.ts'
import { rollHours } from './figures/hours.ts'
import { UnsentFigures } from './figures/unsent-figures.ts'
import { isExact, scanExactLatency } from './scans/exact-latency.ts'
import { createFiles, createReader, type RunScan } from './scans/reader.ts'
import type { View } from './scans/view.ts'
import { LOCAL_FILE, type LocalState } from './state/local-state.ts'
import { dropExpired, expireFigures, type Maintenance } from './state/retention.ts'
import { findKnown } from './write/known.ts'
import { createSeriesBudget, writeBatch, type SeriesBudget } from './write/write.ts'

export interface InfluxStoreParts {
  readonly options: StoreOptions
  readonly influx: Influx
  readonly local: LocalState
  readonly maxSeries: number
  /** Every reading at or below this position is in InfluxDB. */
  readonly committed: number
  readonly preparation: Preparation
}

/** Figures wait this long for their flush, unless they are many. */
const FLUSH_EVERY_NS = MINUTE_NS
/** How long a closing store tries to send its last figures; else the next start does. */
const CLOSE_GRACE_MS = 2000
/** Share of the allowed series from which on a warning is logged. */
const NEARLY_FULL = 0.8

export class InfluxStore implements Store {
  readonly reader: StoreReader
  readonly exact: ExactLatency
  readonly files: ReadingsFiles
  readonly writer: StoreWriter = {
    positions: () => this.#positions,
    write: (batch) => this.#serially(() => this.#write(batch)),
    known: (identities) => this.#serially(() => this.#known(identities)),
  }
  readonly upkeep: StoreUpkeep = {
    maintain: (nowNs, expiryNs = nowNs) => this.#serially(() => this.#maintain(nowNs, expiryNs)),
    freeze: (into) => this.#serially(() => this.#freeze(into)),
    warnings: () => [this.#parts.influx.foreign.warning].filter((text) => text !== ''),
    close: () => (this.#closing ??= this.#close()),
  }

  readonly #parts: InfluxStoreParts
  readonly #maintenance: Maintenance
  readonly #admission: Admission
  readonly #series: SeriesBudget
  readonly #requestSize = new RequestSize()
  readonly #pause: ServerPause
  readonly #unsent: UnsentFigures
  readonly #serial = new Serial()
  readonly #ending = new AbortController()
  #committed: number
  #positions: Readonly<Record<string, number>>
  #flushedAtNs = 0n
  #hourNs = 0n
  #rolling: Promise<void> | null = null
  #hasWarned = false
  #closing: Promise<void> | null = null

  constructor(parts: InfluxStoreParts) {
    const { options, influx, local } = parts
    const { journal, retention, log, clock } = options
    this.#parts = parts
    this.#maintenance = { influx, local, journal, retention, log }
    this.#admission = new Admission(options.limits)
    this.#series = createSeriesBudget(parts.maxSeries)
    this.#pause = new ServerPause(clock)
    this.#unsent = new UnsentFigures(this.#maintenance, clock)
    this.#committed = parts.committed
    this.#positions = positionsOf(local.parts)
    this.reader = createReader(this.#run)
    this.files = createFiles(this.#run)
    this.exact = {
      exactLatency: async (scan, signal) => {
        if (this.#closing) throw closedError()
        return isExact(this.#view(), scan) ? this.#run(scanExactLatency, scan, signal) : null
      },
    }
  }

  readonly #run: RunScan = (scanner, scan, signal) => {
    if (this.#closing) return Promise.reject(closedError())
    return this.#admission.run(
      async (either) => {
        try {
          await this.#parts.preparation.ensure()
          const context = { influx: this.#parts.influx, signal: either, view: this.#view() }
          return await scanner(context, scan)
        } catch (error) {
          throw this.#closing ? closedError() : forCaller(error)
        }
      },
      { caller: scan.caller, signal },
    )
  }

  #view(): View {
    const { local, options } = this.#parts
    let droppedNs = 0n
    for (const { maxNs } of local.dropped.values()) if (maxNs > droppedNs) droppedNs = maxNs
    return {
      journal: options.journal,
      rolled: this.#unsent.rolled,
      fresh: this.#unsent.all,
      dirtyHours: [...local.dirtyHours.keys()],
      minuteFloorNs: local.minuteFloorNs,
      droppedNs,
      parts: local.parts,
    }
  }

  /** Writes, look-ups and maintenance follow each other: one batch at a time. */
  #serially<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(closedError())
    return this.#serial.run(async () => {
      this.#pause.requireOver()
      try {
        await this.#parts.preparation.ensure()
        return await work()
      } catch (error) {
        this.#pause.note(error)
        // The database may have been removed: whether it is there is looked at again.
        if (isPlatformError(error, 'CONFIG_INVALID')) this.#parts.preparation.forget()
        throw error
      }
    })
  }

  async #write(batch: StoreBatch): Promise<WriteReport> {
    const { influx, local, options } = this.#parts
    if (batch.journal !== options.journal) {
      throw new RangeError(
        `expected a batch of journal ${options.journal}, got one of ${batch.journal}`,
      )
    }
    if (this.#unsent.isFull) await this.#unsent.flush(this.#committed)
    const { stored, refused } = await this.#requestSize.batch(() =>
      writeBatch({ influx, local, series: this.#series, lines: this.#requestSize.lines }, batch),
    )
    this.#unsent.add(stored)
    this.#committed = Math.max(this.#committed, batch.toPosition)
    this.#positions = positionsOf(local.parts)
    return { refused }
  }

  #known(identities: readonly Identity[]): Promise<readonly Known[]> | readonly Known[] {
    if (identities.length === 0) return []
    return findKnown(this.#parts.influx, this.#parts.options.journal, identities)
  }

  async #freeze(into: string): Promise<readonly string[]> {
    await this.#unsent.flush(this.#committed)
    this.#parts.local.copyTo(join(into, LOCAL_FILE))
    return [LOCAL_FILE]
  }

  async #maintain(nowNs: bigint, expiryNs: bigint | null): Promise<MaintenanceReport> {
    if (hasPassed(FLUSH_EVERY_NS, this.#flushedAtNs, nowNs)) {
      await this.#unsent.flush(this.#committed)
      this.#flushedAtNs = nowNs
    }
    if (!this.#rolling) {
      // Never beside hours that are being written: see `deleteBefore`.
      if (expiryNs !== null) await expireFigures(this.#maintenance, expiryNs)
      if (floorTo(nowNs, HOUR_NS) !== this.#hourNs) this.#rolling = this.#roll(nowNs)
    }
    const droppedPartitions =
      expiryNs === null ? [] : await dropExpired(this.#maintenance, expiryNs)
    this.#warnOfSeries()
    if (droppedPartitions.length > 0) this.#positions = positionsOf(this.#parts.local.parts)
    const first = this.#unsent.firstPosition
    return {
      checkpointed: first === null ? this.#committed : first - 1,
      droppedPartitions,
      behind: 0,
    }
  }

  #warnOfSeries(): void {
    const { maxSeries, options } = this.#parts
    if (this.#hasWarned || this.#series.used < maxSeries * NEARLY_FULL) return
    this.#hasWarned = true
    options.log.warn(
      { series: this.#series.used, max: maxSeries },
      'InfluxDB is near the limit of series (PADBORG_INFLUX_MAX_SERIES); readings of further ones are refused',
    )
  }

  /** Hours of a large fleet take their time, and nothing waits for them. */
  async #roll(nowNs: bigint): Promise<void> {
    try {
      await rollHours(this.#maintenance, nowNs, this.#ending.signal)
      this.#hourNs = floorTo(nowNs, HOUR_NS)
    } catch (error) {
      if (!this.#closing) {
        this.#parts.options.log.warn(
          { reason: messageOf(error) },
          'the hours are made later: InfluxDB fails',
        )
      }
    } finally {
      this.#rolling = null
    }
  }

  async #close(): Promise<void> {
    const { influx, local, options } = this.#parts
    this.#admission.close()
    this.#ending.abort()
    await this.#serial.done()
    await this.#rolling
    try {
      await this.#unsent.flush(this.#committed, AbortSignal.timeout(CLOSE_GRACE_MS))
    } catch (error) {
      options.log.warn(
        { reason: messageOf(error) },
        'the store closes with figures that InfluxDB does not have yet; the next start sends them',
      )
    }
    influx.close()
    local.close()
  }
}

/** A query cannot correct a setting: its caller gets "store not available". */
function forCaller(error: unknown): unknown {
  if (!isPlatformError(error, 'CONFIG_INVALID')) return error
  return new PlatformError('STORE_UNAVAILABLE', error.message, { cause: error })
}
