import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { JournalSettings } from '#lib/runtime/settings/ingest-settings.ts'
import type { PlatformSettings } from '#lib/runtime/settings/platform-settings.ts'
import type { IncomingMessage } from '#lib/telemetry/message.ts'
import type { BackPressure } from './append/back-pressure.ts'
import { DurableWrite } from './append/durable-write.ts'
import { GroupCommit } from './append/group-commit.ts'
import type { Lag } from './append/lag.ts'
import { Pending, type Batch, type Done } from './append/pending.ts'
import type { FileLayer } from './files/file-layer.ts'
import type { Identity } from './identity.ts'
import type { Durable, Journal, JournalStatus } from './journal.ts'
import type { Recovered } from './recovery/recovery.ts'
import { Retention } from './segments/retention.ts'
import { Segments } from './segments/segments.ts'
import { Spare } from './segments/spare.ts'

/** Breaks a promise on purpose, so that a test can see itself turn red. */
export type JournalFault = PlatformSettings['fault']

export interface RunOptions extends JournalSettings {
  readonly fault: JournalFault
  readonly dir: string
  readonly fileLayer: FileLayer
  readonly clock: Clock
  readonly log: Log
  /** Position that the store has taken already. */
  readonly since: number
  /** First pause between attempts while the disk fails; default 250 ms. */
  readonly backoffMs?: number
}

/** What the recovery hands over. */
export interface Opened {
  readonly identity: Identity
  readonly recovered: Recovered
  readonly lag: Lag
  readonly backPressure: BackPressure
}

/** Groups stay small beside a segment, so that little of its end stays unused. */
const SEGMENT_SHARE = 4
const MAX_BATCH_BYTES = 4 * 1024 * 1024
const SWEEP_EVERY_MS = 60_000
const FIRST_BACKOFF_MS = 250

/** The journal in operation, after its recovery. */
export class RunningJournal implements Journal {
  readonly id: string
  readonly #options: RunOptions
  readonly #lag: Lag
  readonly #backPressure: BackPressure
  readonly #pending: Pending
  readonly #retention: Retention
  readonly #spare: Spare
  readonly #segments: Segments
  readonly #groupCommit: GroupCommit
  readonly #listeners: ((durable: Durable) => void)[] = []
  readonly #sweepTimer: NodeJS.Timeout
  #lastPosition: number
  #durable: Durable
  #closing: Promise<void> | null = null

  constructor(options: RunOptions, { identity, recovered, lag, backPressure }: Opened) {
    const { clock, dir, segmentBytes, fault } = options
    this.id = identity.id
    this.#options = options
    this.#lag = lag
    this.#backPressure = backPressure
    const batchBytes = Math.ceil(segmentBytes / SEGMENT_SHARE)
    this.#pending = new Pending(Math.min(MAX_BATCH_BYTES, batchBytes))
    this.#retention = new Retention(options, { ...options, released: options.since })
    for (const segment of recovered.stored) this.#retention.add(segment)
    this.#spare = new Spare(options, options)
    this.#segments = new Segments(
      { ...options, spare: this.#spare, retention: this.#retention },
      { ...recovered, dir, identity, segmentBytes, sync: fault !== 'no-fsync' },
    )
    this.#lastPosition = recovered.lastPosition
    this.#durable = {
      ...this.#segments.end,
      position: recovered.lastPosition,
      atNs: clock.nowNs(),
    }
    const write = this.#durableWrite()
    this.#groupCommit = new GroupCommit({ pending: this.#pending, write, clock }, options.windowMs)
    this.#sweepTimer = setInterval(() => void this.#retention.sweep(), SWEEP_EVERY_MS)
    this.#sweepTimer.unref()
    this.#spare.prepare()
  }

  append(message: IncomingMessage, done: Done): void {
    if (this.#closing) {
      queueMicrotask(() => done(closedError(), 0))
      return
    }
    const position = this.#lastPosition + 1
    const bytes = this.#pending.append(message, position, this.#acknowledge(done, position))
    this.#lastPosition = position
    this.#lag.add(position, bytes)
    this.#backPressure.setUnconsumed(this.#lag.bytes)
    this.#groupCommit.wake()
  }

  get durable(): Durable {
    return this.#durable
  }

  onDurable(listener: (durable: Durable) => void): void {
    this.#listeners.push(this.#guarded(listener))
  }

  get paused(): boolean {
    return this.#backPressure.paused
  }

  onPausedChange(listener: (paused: boolean) => void): void {
    this.#backPressure.onChange(this.#guarded(listener))
  }

  release(position: number): void {
    this.#lag.release(position)
    this.#backPressure.setUnconsumed(this.#lag.bytes)
    this.#retention.release(position)
    if (!this.#closing) void this.#retention.sweep()
  }

  keepOld(isKept: boolean): void {
    this.#retention.keepOld(isKept)
  }

  status(): JournalStatus {
    return {
      paused: this.#backPressure.paused,
      problem: this.#backPressure.problem,
      bytes: this.#retention.bytes + this.#spare.bytes,
      segments: this.#retention.segments,
      pendingMessages: this.#pending.messages,
      pendingBytes: this.#pending.bytes,
      syncs: this.#segments.syncs,
      failedSyncs: this.#segments.failedSyncs,
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  #durableWrite(): DurableWrite {
    const { log, dir, segmentBytes, backoffMs = FIRST_BACKOFF_MS } = this.#options
    return new DurableWrite(
      {
        log,
        pending: this.#pending,
        segments: this.#segments,
        retention: this.#retention,
        backPressure: this.#backPressure,
        onCommitted: (batch) => this.#moveDurable(batch),
        onAcknowledged: () => {
          for (const listener of this.#listeners) listener(this.#durable)
        },
      },
      { dir, segmentBytes, backoffMs },
    )
  }

  #moveDurable({ firstPosition, dones }: Batch): void {
    const position = firstPosition + dones.length - 1
    this.#durable = { ...this.#segments.end, position, atNs: this.#options.clock.nowNs() }
  }

  /** A listener that fails must keep neither the others from hearing nor the journal from writing. */
  #guarded<T>(listener: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        listener(value)
      } catch (error) {
        this.#options.log.error({ err: error }, 'a listener of the journal failed')
      }
    }
  }

  /** With the fault `early-ack` success is reported before anything is written. */
  #acknowledge(done: Done, position: number): Done {
    if (this.#options.fault !== 'early-ack') return done
    queueMicrotask(() => done(null, position))
    return () => undefined
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweepTimer)
    await this.#groupCommit.close()
    await this.#spare.close()
    await this.#retention.sweep()
    try {
      await this.#segments.close()
    } catch (error) {
      // Everything is synced: the descriptor has nothing left to lose.
      const reason = messageOf(error)
      this.#options.log.warn({ err: error }, `the last journal segment was not closed: ${reason}`)
    }
    await this.#options.fileLayer.close()
  }
}

function closedError(): PlatformError {
  return new PlatformError('CLOSED', 'the journal takes no message after close')
}
