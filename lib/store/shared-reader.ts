import { encodeJson } from '#lib/runtime/encoding/bigint-json.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { PercentilesScan, ScopedScan } from './scans.ts'
import type { ExactLatency, ReadableStore, StoreReader } from './store.ts'

export interface SharingOptions {
  readonly clock: Clock
  /** Scans that the store runs at once; while fewer run, nothing is shared. */
  readonly atOnce: number
}

/** While the store is busy a result is given again for this long, also where both end now. */
const KEPT_NS = 1_000_000_000n
/** Results kept of each sort of scan. */
const MAX_KEPT = 32

/**
 * A store that runs a scan once for all who want it at the same time, but only while it is busy: a
 * wall of dashboards then costs what one of them does, and a result is at most about a second old.
 * Otherwise everybody gets the newest. Scans up to now are the same, though no two end at the same
 * nanosecond: a result ends where the scan does, or less than a second before.
 *
 * Shared are the sums over many rows, which every viewer of a dashboard asks for again and again.
 */
export function shareReader(store: ReadableStore, options: SharingOptions): ReadableStore {
  const load: Load = { ...options, running: 0 }
  return {
    reader: sharedReader(store.reader, load),
    exact: store.exact && sharedExact(store.exact, load),
    files: store.files,
  }
}

function sharedReader(reader: StoreReader, load: Load): StoreReader {
  const aggregates = new SharedScan(load, (scan: Scan<'aggregates'>, signal) =>
    reader.aggregates(scan, signal),
  )
  const counts = new SharedScan(load, (scan: Scan<'counts'>, signal) => reader.counts(scan, signal))
  const latencyBuckets = new SharedScan(load, (scan: Scan<'latencyBuckets'>, signal) =>
    reader.latencyBuckets(scan, signal),
  )
  const sequenceRuns = new SharedScan(load, (scan: Scan<'sequenceRuns'>, signal) =>
    reader.sequenceRuns(scan, signal),
  )
  return {
    readings: (scan, signal) => reader.readings(scan, signal),
    since: (scan, signal) => reader.since(scan, signal),
    aggregates: (scan, signal) => aggregates.run(scan, signal),
    counts: (scan, signal) => counts.run(scan, signal),
    latencyBuckets: (scan, signal) => latencyBuckets.run(scan, signal),
    sequenceRuns: (scan, signal) => sequenceRuns.run(scan, signal),
    registers: (scan, signal) => reader.registers(scan, signal),
    delays: (scan, signal) => reader.delays(scan, signal),
  }
}

function sharedExact(exact: ExactLatency, load: Load): ExactLatency {
  const shared = new SharedScan(load, (scan: PercentilesScan, signal) =>
    exact.exactLatency(scan, signal),
  )
  return { exactLatency: (scan, signal) => shared.run(scan, signal) }
}

/** What a method of the reader scans for. */
type Scan<K extends keyof StoreReader> = Parameters<StoreReader[K]>[0]

/** How busy the store is with all shared scans. */
interface Load extends SharingOptions {
  running: number
}

interface Running<R> {
  readonly result: Promise<R>
  readonly toNs: bigint
  readonly end: AbortController
  waiting: number
}

interface Kept<R> {
  readonly result: R
  readonly toNs: bigint
  readonly atNs: bigint
}

class SharedScan<S extends Span & ScopedScan, R> {
  readonly #load: Load
  readonly #scanner: (scan: S, signal: AbortSignal) => Promise<R>
  readonly #running = new Map<string, Running<R>>()
  readonly #kept = new Map<string, Kept<R>>()

  constructor(load: Load, scanner: (scan: S, signal: AbortSignal) => Promise<R>) {
    this.#load = load
    this.#scanner = scanner
  }

  async run(scan: S, signal: AbortSignal | undefined): Promise<R> {
    const { clock, atOnce, running } = this.#load
    const { toNs } = scan
    const key = keyOf(scan, clock.nowNs())
    const isBusy = running >= atOnce
    if (isBusy) {
      const kept = this.#kept.get(key)
      const isFresh = kept && clock.monoNs() - kept.atNs < KEPT_NS
      if (isFresh && endsFor(kept, toNs)) return kept.result
    }
    const same = isBusy ? this.#running.get(key) : undefined
    return join(same && endsFor(same, toNs) ? same : this.#begin(key, scan), signal)
  }

  #begin(key: string, scan: S): Running<R> {
    const { toNs } = scan
    const end = new AbortController()
    this.#load.running += 1
    const result = this.#scanner(scan, end.signal).finally(() => {
      this.#load.running -= 1
      if (this.#running.get(key) === one) this.#running.delete(key)
    })
    const one: Running<R> = { result, toNs, end, waiting: 0 }
    this.#running.set(key, one)
    result.then(
      (found) => this.#keep(key, { result: found, toNs, atNs: this.#load.clock.monoNs() }),
      () => undefined,
    )
    return one
  }

  #keep(key: string, kept: Kept<R>): void {
    // A key that is set again goes to the end: the first of the map is the oldest.
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
  }
}

/** A caller that gives up leaves the others waiting; the scan ends with the last of them. */
async function join<R>(one: Running<R>, signal: AbortSignal | undefined): Promise<R> {
  one.waiting += 1
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(signal?.reason)
  if (signal?.aborted) giveUp()
  else signal?.addEventListener('abort', giveUp, { once: true })
  try {
    return await Promise.race([one.result, aborted])
  } finally {
    signal?.removeEventListener('abort', giveUp)
    one.waiting -= 1
    if (one.waiting === 0) one.end.abort(signal?.reason)
  }
}

/** Nothing later than the end that is wanted, and not much less: a scan may take long. */
function endsFor({ toNs }: { readonly toNs: bigint }, wantedNs: bigint): boolean {
  return toNs <= wantedNs && wantedNs - toNs < KEPT_NS
}

/**
 * An end within the last second is now. Only keys of one tenant share a scan: it waits in the queue
 * of whoever was first.
 */
function keyOf(scan: Span & ScopedScan, nowNs: bigint): string {
  const toNs = scan.toNs > nowNs - KEPT_NS ? 'now' : scan.toNs
  return encodeJson({ ...scan, toNs, caller: scan.caller?.tenant })
}
