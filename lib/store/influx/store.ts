import { PlatformError, isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import { createGate, closedError } from '../gate.ts'
import { HOUR_NS, MINUTE_NS, floorTo } from '../time-grid.ts'
import type { StoreOptions } from '../options.ts'
import type { ExactLatency, Store, StoreBatch, StoreUpkeep, StoreWriter } from '../store.ts'
import { createAccumulator, type Accumulator } from './figures/accumulator.ts'
import { StoreBusy } from './client/failure.ts'
import { prepareFlush, sendOutbox } from './write/flush.ts'
import type { Influx } from './client/influx.ts'
import { findKnown } from './write/known.ts'
import { join } from 'node:path'
import { LOCAL_FILE, type Local } from './local.ts'
import { rollHours } from './figures/hours.ts'
import { dropExpired, expireFigures } from './maintain.ts'
import type { Connection } from './client/connection.ts'
import { createPace } from './client/pace.ts'
import { isExact, scanExactLatency } from './scans/exact-latency.ts'
import { createFiles, createReader, type RunScan } from './scans/reader.ts'
import type { View } from './scans/view.ts'
import { createSeriesBudget, writeBatch } from './write/write.ts'

export interface StoreParts {
  readonly options: StoreOptions
  readonly influx: Influx
  readonly local: Local
  readonly maxSeries: number
  readonly settled: number
  readonly connection: Connection
}

/** Figures wait this long for their flush, unless they are many. */
const FLUSH_EVERY_NS = MINUTE_NS
const MOST_FIGURES = 20_000
/** How long a closing store tries to hand over its last figures; the next start does it else. */
const CLOSE_GRACE_MS = 2000
/** Of the series that are allowed: from here on it is said. */
const NEARLY_FULL = 0.8
/** A server that asks for more patience than this is asked again all the same. */
const LONGEST_HOLD_MS = 300_000

export function createInfluxStore(given: StoreParts): Store {
  const { options, influx, local, connection } = given
  const { clock, log, journal, retention } = options
  const flushing = { influx, local, journal }
  const maintenance = { ...flushing, retention, log }
  const gate = createGate(options.limits)
  const series = createSeriesBudget(given.maxSeries)
  const pace = createPace()
  let current = newAccumulator()
  /** Figures of a flush that InfluxDB may not have as a whole. */
  let pending: Accumulator | null = null
  let rolled = local.rolled
  let settled = given.settled
  let positions = positionsOf(local)
  let flushedAtNs = 0n
  let hourNs = 0n
  let holdUntilNs = 0n
  let turn: Promise<unknown> = Promise.resolve()
  let rolling: Promise<void> | null = null
  let hasWarned = false
  const ending = new AbortController()
  let closing: Promise<void> | null = null

  const run: RunScan = (scanner, scan, signal) => {
    if (closing) return Promise.reject(closedError())
    return gate.run(async (either) => {
      try {
        await connection.ensure()
        return await scanner({ influx, signal: either, view: viewNow() }, scan)
      } catch (error) {
        throw closing ? closedError() : forCaller(error)
      }
    }, signal)
  }
  const exact: ExactLatency = {
    async exactLatency(scan, signal) {
      if (closing) throw closedError()
      // Looked up before the scan waits in the queue: the catalogue is in memory.
      return isExact(viewNow(), scan) ? run(scanExactLatency, scan, signal) : null
    },
  }
  const writer: StoreWriter = {
    positions: () => positions,
    write: (batch) =>
      inTurn(async () => {
        requireJournal(batch)
        if (current.figures.size >= MOST_FIGURES) await flush()
        const { stored, refused } = await pace.batch(() =>
          writeBatch({ influx, local, series, lines: pace.lines }, batch),
        )
        current.add(stored)
        settled = Math.max(settled, batch.toPosition)
        positions = positionsOf(local)
        return { refused }
      }),
    known: (identities) =>
      inTurn(() => (identities.length === 0 ? [] : findKnown(influx, journal, identities))),
  }
  const upkeep: StoreUpkeep = {
    maintain: (nowNs) => inTurn(() => maintain(nowNs)),
    freeze: (into) =>
      inTurn(async () => {
        await flush()
        local.copyTo(join(into, LOCAL_FILE))
        return [LOCAL_FILE]
      }),
    close() {
      closing ??= close()
      return closing
    },
  }
  return { reader: createReader(run), exact, files: createFiles(run), writer, upkeep }

  function newAccumulator(): Accumulator {
    return createAccumulator((channel) => local.channels.get(channel))
  }

  function viewNow(): View {
    let droppedNs = 0n
    for (const { maxNs } of local.dropped.values()) if (maxNs > droppedNs) droppedNs = maxNs
    return {
      journal,
      rolled,
      fresh: pending ? [pending, current] : [current],
      dirtyHours: [...local.dirtyHours.keys()],
      minuteFloorNs: local.minuteFloorNs,
      droppedNs,
      parts: local.parts,
    }
  }

  function requireJournal(batch: StoreBatch): void {
    if (batch.journal === journal) return
    throw new RangeError(`expected a batch of journal ${journal}, got one of ${batch.journal}`)
  }

  /** Writes, look-ups and maintenance follow each other: one batch at a time. */
  function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    if (closing) return Promise.reject(closedError())
    const mine = turn.then(async () => {
      requirePatience()
      try {
        await connection.ensure()
        return await work()
      } catch (error) {
        rememberHold(error)
        // The database may have been removed: whether it is there is looked at anew.
        if (isPlatformError(error, 'CONFIG_INVALID')) connection.forget()
        throw error
      }
    })
    turn = mine.catch(() => undefined)
    return mine
  }

  /** A server that said when to come again is left alone until then; the journal waits. */
  function requirePatience(): void {
    const restMs = Number(holdUntilNs - clock.monoNs()) / 1e6
    if (restMs <= 0) return
    throw new StoreBusy(
      `InfluxDB asked to be left alone (Retry-After); it is written to again in ${Math.ceil(restMs)} ms`,
      { retryAfterMs: 0 },
    )
  }

  function rememberHold(error: unknown): void {
    if (!(error instanceof StoreBusy) || error.retryAfterMs === 0) return
    const holdMs = Math.min(error.retryAfterMs, LONGEST_HOLD_MS)
    // Several intakes that were refused together do not come back together.
    const jitterMs = Number(clock.monoNs() % 1000n) / 10
    holdUntilNs = clock.monoNs() + BigInt(Math.ceil(holdMs + jitterMs)) * 1_000_000n
  }

  async function maintain(nowNs: bigint) {
    if (nowNs - flushedAtNs >= FLUSH_EVERY_NS) {
      await flush()
      flushedAtNs = nowNs
    }
    const startNs = floorTo(nowNs, HOUR_NS)
    if (!rolling) {
      // Never beside hours that are being written: see `deleteBefore`.
      await expireFigures(maintenance, nowNs)
      if (startNs > hourNs) rolling = roll(nowNs, startNs)
    }
    const droppedPartitions = await dropExpired(maintenance, nowNs)
    warnOfSeries()
    if (droppedPartitions.length > 0) positions = positionsOf(local)
    const first = pending?.firstPosition ?? current.firstPosition
    return {
      checkpointed: first === null ? settled : first - 1,
      droppedPartitions,
      behind: 0,
    }
  }

  function warnOfSeries(): void {
    if (hasWarned || series.used < given.maxSeries * NEARLY_FULL) return
    hasWarned = true
    log.warn(
      { series: series.used, most: given.maxSeries },
      'InfluxDB soon has as many series as it may (PADBORG_INFLUX_MAX_SERIES); readings of further ones are refused',
    )
  }

  /** Hours of a large fleet take their time, and nobody waits for them. */
  async function roll(nowNs: bigint, startNs: bigint): Promise<void> {
    try {
      await rollHours(flushing, nowNs, ending.signal)
      hourNs = startNs
    } catch (error) {
      if (!closing)
        log.warn({ words: messageOf(error) }, 'the hours are made later: InfluxDB fails')
    } finally {
      rolling = null
    }
  }

  /** What was made before goes first: the figures of a flush are seen once all of them are there. */
  async function flush(signal?: AbortSignal): Promise<void> {
    if (pending) await send(signal)
    if (current.firstPosition === null) return
    prepareFlush(flushing, current, settled)
    pending = current
    current = newAccumulator()
    await send(signal)
  }

  async function send(signal?: AbortSignal): Promise<void> {
    await sendOutbox(flushing, clock.nowNs(), signal)
    rolled = local.rolled
    pending = null
  }

  async function close(): Promise<void> {
    gate.close()
    ending.abort()
    await turn
    await rolling
    try {
      await flush(AbortSignal.timeout(CLOSE_GRACE_MS))
    } catch (error) {
      log.warn(
        { words: messageOf(error) },
        'the store closes with figures that InfluxDB does not have yet; the next start sends them',
      )
    }
    influx.close()
    local.close()
  }
}

/** A question cannot mend a setting: whoever asks is told that the store does not answer. */
function forCaller(error: unknown): unknown {
  if (!isPlatformError(error, 'CONFIG_INVALID')) return error
  return new PlatformError('STORE_UNAVAILABLE', error.message, { cause: error })
}

function positionsOf({ parts }: Local): Readonly<Record<string, number>> {
  const positions: Record<string, number> = {}
  for (const { name, position } of parts.values()) if (position > 0) positions[name] = position
  return positions
}
