import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { SilenceRow } from '#lib/telemetry/live.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { WorkerOptions } from '../ingest-options.ts'
import type { LiveWatch } from '../live/live-watch.ts'
import type { FromWorker } from '../thread-messages.ts'
import { SilenceWatch, type SilenceDeps } from './silence-watch.ts'

export interface SilenceRoundsDeps extends Pick<SilenceDeps, 'device'> {
  readonly clock: Clock
  readonly log: Log
  readonly live: Pick<LiveWatch, 'silencesOf'>
  readonly post: (message: FromWorker) => void
}

const EVERY_MS = 5000
/** After the end of a batch the main thread hands over the next one well within this. */
const NEXT_BATCH_NS = 2_000_000_000n
/** Lines per round: when a whole site falls silent, the number says it. */
const MAX_LINES = 20

/** On the ingest thread: looks for silent robots from time to time, and reports them. */
export class SilenceRounds {
  readonly #deps: SilenceRoundsDeps
  readonly #limitS: number
  readonly #watch: SilenceWatch
  #timer: NodeJS.Timeout | undefined
  #reportedRobots = 0
  #isQueued = false
  #isPaused = false
  /** Batches that are begun and not finished. */
  #batches = 0
  #finishedNs: bigint
  /** All that was received up to this time is read; and will be, once the batches are finished. */
  #readUpToNs: bigint
  #durableUpToNs: bigint

  constructor(
    deps: SilenceRoundsDeps,
    { stateSilenceSeconds }: Pick<WorkerOptions, 'stateSilenceSeconds'>,
  ) {
    const startedNs = deps.clock.nowNs()
    const limitNs = BigInt(Math.round(stateSilenceSeconds * 1000)) * 1_000_000n
    this.#deps = deps
    this.#limitS = stateSilenceSeconds
    this.#watch = new SilenceWatch({ device: deps.device, limitNs, startedNs })
    this.#finishedNs = startedNs
    this.#readUpToNs = startedNs
    this.#durableUpToNs = startedNs
  }

  /** Messages that were read from the journal. */
  heard(messages: readonly JournaledMessage[]): void {
    this.#watch.heard(messages)
  }

  lasting(device: FullId): readonly SilenceRow[] {
    return this.#watch.lasting(device)
  }

  /** The journal is durable up to what came by this time, and will be read up to there. */
  begin(durableAtNs: bigint): void {
    this.#batches += 1
    this.#durableUpToNs = durableAtNs
  }

  /** A batch that was begun is read. */
  finish(): void {
    this.#batches -= 1
    this.#finishedNs = this.#deps.clock.nowNs()
    this.#readUpToNs = this.#durableUpToNs
  }

  /** Until `close`. `queue` has each round run between batches. */
  start(queue: () => void): void {
    const everyMs = Math.min(EVERY_MS, (this.#limitS * 1000) / 4)
    this.#timer = setInterval(() => {
      // While the store refuses, the queue does not move: one round waits, not one per tick.
      if (this.#isQueued) return
      this.#isQueued = true
      queue()
    }, everyMs)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  look(position: number): void {
    const { live, post } = this.#deps
    this.#isQueued = false
    if (this.#isPaused) return
    const changes = this.#watch.look(this.#heardUpToNs())
    this.#log(changes)
    const robots = this.#watch.lasting().length
    if (robots !== this.#reportedRobots) post({ type: 'silent', robots })
    this.#reportedRobots = robots
    const batch = live.silencesOf(changes, position)
    if (batch) post({ type: 'live', batch })
  }

  /** Whether the platform has stopped reading from publishers (journal full, or not writable). */
  setPaused(paused: boolean): void {
    if (this.#isPaused && !paused) this.#watch.ignoreBefore(this.#deps.clock.nowNs())
    this.#isPaused = paused
  }

  /** A writer that lags has not heard what was received since: that is no silence of a robot. */
  #heardUpToNs(): bigint {
    const nowNs = this.#deps.clock.nowNs()
    const isBehind = this.#batches > 0 || nowNs - this.#finishedNs < NEXT_BATCH_NS
    return isBehind ? this.#readUpToNs : nowNs
  }

  #log(changes: readonly SilenceRow[]): void {
    const { log } = this.#deps
    const limitS = this.#limitS
    for (const { device, topic, sinceNs, ended } of changes.slice(0, MAX_LINES)) {
      const since = Temporal.Instant.fromEpochNanoseconds(sinceNs).toString()
      if (ended) log.info({ device, topic, since, by: ended.by }, 'a robot is no longer silent')
      else log.warn({ device, topic, since, limitS }, 'a robot is ONLINE and sends no state')
    }
    const more = changes.length - MAX_LINES
    if (more > 0) log.warn({ more }, 'more robots fell silent or were heard again')
  }
}
