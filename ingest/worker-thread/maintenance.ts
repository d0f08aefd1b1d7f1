import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { StoreUpkeep } from '#lib/store/store.ts'
import { daysNs, hasPassed } from '#lib/telemetry/time-grid.ts'
import type { WorkerOptions } from '../ingest-options.ts'
import type { RejectionLog } from '../rejections/rejection-log.ts'
import type { FromWorker } from '../thread-messages.ts'
import type { Snapshots } from './snapshots.ts'
import type { WorkQueue } from './work-queue.ts'
import type { Writer } from './writer.ts'

interface MaintenanceDeps {
  readonly queue: WorkQueue
  readonly writer: Pick<Writer, 'cursor'>
  readonly snapshots: Snapshots
  /** A backup needs the files of the store as they are. */
  readonly freezer: { readonly frozen: boolean }
  readonly store: Pick<StoreUpkeep, 'maintain' | 'warnings'>
  readonly rejections: Pick<RejectionLog, 'expire'>
  readonly clock: Clock
  readonly log: Log
  readonly post: (message: FromWorker) => void
}

type MaintenanceOptions = Pick<WorkerOptions, 'snapshotMs' | 'retention'>

const MAX_INTERVAL_MS = 10_000
/** So many messages make a round due before its time: figures that are not derived make queries slow. */
const EARLY_AFTER_POSITIONS = 50_000
const EXPIRE_EVERY_NS = 3_600_000_000_000n

/** Rounds of upkeep between batches: snapshot, roll-up and retention of the store, old rejections. */
export class Maintenance {
  readonly #deps: MaintenanceDeps
  readonly #options: MaintenanceOptions
  readonly #timer: NodeJS.Timeout
  #nextRound: NodeJS.Timeout | undefined
  #isQueued = false
  #position: number
  #expiredAtNs = 0n
  /** Until the main thread has said that the clock can be trusted. */
  #isClockDoubtful = true

  constructor(deps: MaintenanceDeps, options: MaintenanceOptions) {
    this.#deps = deps
    this.#options = options
    this.#position = deps.writer.cursor.position
    const everyMs = Math.min(MAX_INTERVAL_MS, options.snapshotMs)
    this.#timer = setInterval(() => this.#begin(), everyMs)
  }

  /** A batch is written: begins a round when many have come since the last one. */
  afterBatch(): void {
    const { position } = this.#deps.writer.cursor
    if (position - this.#position >= EARLY_AFTER_POSITIONS) this.#begin()
  }

  setClockDoubtful(isDoubtful: boolean): void {
    this.#isClockDoubtful = isDoubtful
  }

  close(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#nextRound)
  }

  #begin(): void {
    const { queue, freezer } = this.#deps
    // While the store refuses, the queue does not move: one round waits, not one per tick.
    if (this.#isQueued || freezer.frozen || queue.isClosed) return
    this.#isQueued = true
    queue.add(() => this.#round())
  }

  async #round(): Promise<void> {
    const { freezer, snapshots, writer, store, log, post } = this.#deps
    try {
      // A backup may have begun since this was queued.
      if (freezer.frozen) return
      // Rounds before their time need none.
      if (snapshots.ageMs > this.#options.snapshotMs / 2) snapshots.save()
      this.#position = writer.cursor.position
      await this.#maintainStore()
      this.#expireRejections()
      post({ type: 'warnings', texts: store.warnings() })
    } catch (error) {
      log.error({ err: error }, 'maintenance of the store failed; it is tried again')
    } finally {
      this.#isQueued = false
    }
  }

  async #maintainStore(): Promise<void> {
    const { store, snapshots, clock, log, post } = this.#deps
    const begunNs = clock.monoNs()
    const nowNs = clock.nowNs()
    const { checkpointed, droppedPartitions, behind } = await store.maintain(
      nowNs,
      this.#isClockDoubtful ? null : nowNs,
    )
    // Half of the time is for batches.
    const tookMs = Number(clock.monoNs() - begunNs) / 1e6
    if (behind >= EARLY_AFTER_POSITIONS) {
      this.#nextRound = setTimeout(() => this.#begin(), tookMs)
    }
    if (droppedPartitions.length > 0)
      log.info({ droppedPartitions }, 'retention dropped partitions')
    post({ type: 'maintained', release: Math.min(checkpointed, snapshots.position), behind })
  }

  #expireRejections(): void {
    const { rejections, clock } = this.#deps
    const nowNs = clock.nowNs()
    if (this.#isClockDoubtful || !hasPassed(EXPIRE_EVERY_NS, this.#expiredAtNs, nowNs)) return
    this.#expiredAtNs = nowNs
    rejections.expire(nowNs - daysNs(this.#options.retention.rejectionDays))
  }
}
