import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { encodeError } from '#lib/runtime/encoding/error-codec.ts'
import type { Caller, Handlers } from '#lib/runtime/threads/rpc.ts'
import type { LiveInterest } from '#lib/telemetry/live.ts'
import { Freezer } from '../backup/freezer.ts'
import { daysNs } from '#lib/telemetry/time-grid.ts'
import { HeatHours } from '#lib/queries/heat/hours.ts'
import type { WorkerOptions } from '../ingest-options.ts'
import { LiveWatch } from '../live/live-watch.ts'
import { ThrottledNotices } from '../rejections/throttled-notices.ts'
import { SilenceRounds } from '../silence/silence-rounds.ts'
import type { FromWorker, ToWorker } from '../thread-messages.ts'
import { Maintenance } from './maintenance.ts'
import type { Parts } from './open-parts.ts'
import { Snapshots } from './snapshots.ts'
import { StoreRetry } from './store-retry.ts'
import { WorkQueue } from './work-queue.ts'
import { writeDurable } from './write-durable.ts'
import { Writer, type WriterOptions } from './writer.ts'

/** The main thread: calls to it, and messages. */
interface MainThread {
  readonly main: Caller
  readonly post: (message: FromWorker) => void
}

/** How long a shutdown waits for the store before the rest is left to the next start. */
const FINISH_MS = 3000

/** Composes what the worker does with its parts: write, follow, save, maintain, in one queue. */
export class IngestWorker {
  readonly hours = new HeatHours()
  readonly silence: SilenceRounds
  readonly #parts: Parts
  readonly #options: WorkerOptions
  readonly #post: MainThread['post']
  readonly #live = new LiveWatch()
  readonly #queue: WorkQueue
  readonly #writer: Writer
  readonly #snapshots: Snapshots
  readonly #freezer: Freezer
  readonly #maintenance: Maintenance

  constructor(parts: Parts, options: WorkerOptions, mainThread: MainThread) {
    const { post } = mainThread
    const { writer: storeWriter, upkeep } = parts.store
    this.#parts = parts
    this.#options = options
    this.#post = post
    this.#queue = new WorkQueue((error) => post({ type: 'failed', error: encodeError(error) }))
    const device = parts.registry.devices.get
    this.silence = new SilenceRounds({ ...parts, device, live: this.#live, post }, options)
    this.#writer = this.#createWriter(mainThread)
    const shared = { ...parts, queue: this.#queue, writer: this.#writer, post }
    this.#snapshots = new Snapshots(
      { ...shared, store: storeWriter, journal: options.journal.id },
      parts.saved.position,
    )
    const snapshots = this.#snapshots
    const database = join(options.dataDir, 'ingest.db')
    this.#freezer = new Freezer(database, { ...shared, snapshots, store: upkeep })
    const freezer = this.#freezer
    this.#maintenance = new Maintenance({ ...shared, snapshots, freezer, store: upkeep }, options)
    this.silence.start(() => this.#queue.add(async () => this.silence.look(this.#position)))
    this.#rebuildMissing()
  }

  /** What the main thread calls beside the queries. */
  handlers(): Handlers {
    return {
      // Between two batches, so that each is published as one interest or the other has it.
      watch: (interests: readonly LiveInterest[]) => {
        this.#live.want(interests)
        return this.#position
      },
      freeze: (dir: string) => this.#freezer.freeze(dir),
      thaw: () => this.#freezer.thaw(),
      close: () => this.#close(),
    }
  }

  receive(message: ToWorker): void {
    if (message.type === 'registry') this.#parts.registry.reload()
    else if (message.type === 'paused') this.silence.setPaused(message.paused)
    else if (message.type === 'clock') this.#maintenance.setClockDoubtful(message.isDoubtful)
    else if (message.type === 'durable') {
      this.silence.begin(message.durable.atNs)
      this.#queue.add(() => this.#write(message))
    }
  }

  get #position(): number {
    return this.#writer.cursor.position
  }

  #createWriter({ main, post }: MainThread): Writer {
    const parts = this.#parts
    const { registry, store, rejections, reader, saved } = parts
    const { journal, errorsPerMinute } = this.#options
    const onProblem = (text: string) => post({ type: 'problem', text })
    const retry = new StoreRetry({ ...parts, pause: (ms) => pause(ms), onProblem })
    return new Writer(
      {
        ...parts,
        journal: journal.id,
        store: store.writer,
        notices: new ThrottledNotices(errorsPerMinute),
        retry,
        device: registry.devices.get,
        secretOf: (id, name) => registry.secretOf(id, name),
        createSubDevices: (wanted) => main.call<void>('createSubDevices', wanted),
        known: (identities) => store.writer.known(identities),
        statusBefore: (origin, position) => rejections.statusBefore(origin, position),
        refusedBefore: (position) => rejections.refusedBefore(position),
        coveredBy: (origin) => rejections.coveredBy(origin),
        onRead: (messages) => this.silence.heard(messages),
      },
      writerOptions(this.#options),
      reader.seek(saved.position),
    )
  }

  async #write(message: ToWorker & { readonly type: 'durable' }): Promise<void> {
    const post = this.#post
    const followers = { writer: this.#writer, hours: this.hours, live: this.#live, post }
    await writeDurable(message, { ...this.#parts, ...followers })
    if (this.#snapshots.ageMs > this.#options.snapshotMs) this.#snapshots.trySave()
    this.#maintenance.afterBatch()
    this.silence.finish()
    post({ type: 'idle' })
  }

  /** Rows that the store had and lost are derived from the journal again. */
  #rebuildMissing(): void {
    const { missingFrom, saved, log } = this.#parts
    if (missingFrom === null || missingFrom > saved.position) return
    this.#queue.add(async () => {
      const span = { from: missingFrom, to: saved.position }
      log.warn(span, 'rows are missing in the store; reading the journal again')
      const rows = await this.#writer.rebuild(missingFrom)
      this.hours.clear()
      log.info({ rows }, 'the rows of the lost part were derived again')
    })
  }

  /** Finishes what is queued, but no longer than a moment: the journal has the rest. */
  async #close(): Promise<void> {
    const { store, marker, reader, db, registry } = this.#parts
    this.#maintenance.close()
    this.silence.close()
    const giveUp = setTimeout(() => this.#writer.close(), FINISH_MS)
    await this.#queue.close()
    clearTimeout(giveUp)
    this.#snapshots.trySave()
    await store.upkeep.close()
    marker?.close()
    reader.close()
    db.close()
    registry.close()
  }
}

function writerOptions({
  batchBytes,
  timezone,
  lateSeconds,
  maxChannelsPerDevice,
  retention,
}: WorkerOptions): WriterOptions {
  return {
    batchBytes,
    timezone,
    lateNs: BigInt(Math.round(lateSeconds * 1000)) * 1_000_000n,
    maxChannels: maxChannelsPerDevice,
    maxAgeNs: { fleet: daysNs(retention.fleetDays), metering: daysNs(retention.meteringDays) },
  }
}
