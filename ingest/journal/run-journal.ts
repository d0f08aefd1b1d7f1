import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { FileLayer } from './files/file-layer.ts'
import { createGroupCommit } from './append/group-commit.ts'
import type { Hold } from './append/back-pressure.ts'
import type { Identity } from './identity.ts'
import type { Durable, Journal } from './journal.ts'
import type { Lag } from './append/lag.ts'
import { createPending, type Done } from './append/pending.ts'
import type { Recovered } from './recovery/recovery.ts'
import { createRetention } from './segments/retention.ts'
import { createSegments } from './segments/segments.ts'
import { createSpare } from './segments/spare.ts'

/** Breaks a promise on purpose, so that a test can see itself turn red. */
export type JournalFault = 'none' | 'early-ack' | 'no-fsync'

export interface RunOptions {
  readonly dir: string
  readonly fileLayer: FileLayer
  readonly clock: Clock
  readonly log: Log
  readonly segmentBytes: number
  /** Least time between the starts of two group commits. */
  readonly windowMs: number
  /** Unconsumed bytes at which the journal asks to be held. */
  readonly lagBytes: number
  /** Consumed segments kept at most. */
  readonly keepBytes: number
  readonly keepHours: number
  /** Free space below which consumed segments go before their time. */
  readonly freeBytes: number
  /** Position that the store has taken already. */
  readonly since: number
  readonly fault: JournalFault
  /** First pause between attempts while the disk fails; default 250 ms. */
  readonly backoffMs?: number
}

/** Groups stay small beside a segment, so that little of its end stays unused. */
const SEGMENT_SHARE = 4
const MAX_BATCH_BYTES = 4 * 1024 * 1024
const SWEEP_EVERY_MS = 60_000
const FIRST_BACKOFF_MS = 250

/** The journal in operation, behind its recovery. */
export function runJournal(
  options: RunOptions,
  before: {
    readonly identity: Identity
    readonly recovered: Recovered
    readonly lag: Lag
    readonly hold: Hold
  },
): Journal {
  const { clock, log, dir, segmentBytes } = options
  const { identity, recovered, lag, hold } = before
  const pending = createPending(Math.min(MAX_BATCH_BYTES, Math.ceil(segmentBytes / SEGMENT_SHARE)))
  const retention = createRetention(options, { ...options, released: options.since })
  for (const segment of recovered.stored) retention.add(segment)
  const spare = createSpare(options, options)
  const segments = createSegments(
    { ...options, spare, retention },
    { ...recovered, dir, identity, segmentBytes, sync: options.fault !== 'no-fsync' },
  )
  const listeners: ((durable: Durable) => void)[] = []
  let lastPosition = recovered.lastPosition
  let durable: Durable = { ...segments.end, position: lastPosition, atNs: clock.nowNs() }
  let closing: Promise<void> | null = null
  const groupCommit = createGroupCommit(
    {
      ...options,
      pending,
      segments,
      retention,
      hold,
      committed({ firstPosition, dones }) {
        const position = firstPosition + dones.length - 1
        durable = { ...segments.end, position, atNs: clock.nowNs() }
      },
      told() {
        for (const listener of listeners) listener(durable)
      },
    },
    { ...options, backoffMs: options.backoffMs ?? FIRST_BACKOFF_MS },
  )
  const timer = setInterval(() => void retention.sweep(), SWEEP_EVERY_MS)
  timer.unref()
  spare.prepare()

  return {
    id: identity.id,
    append(message, done) {
      if (closing) {
        queueMicrotask(() => done(closedError(), 0))
        return
      }
      const position = lastPosition + 1
      const bytes = pending.append(message, position, acknowledge(done, position))
      lastPosition = position
      lag.add(position, bytes)
      hold.setUnconsumed(lag.bytes)
      groupCommit.wake()
    },
    get durable() {
      return durable
    },
    onDurable: (listener) => void listeners.push(guarded(listener)),
    get held() {
      return hold.held
    },
    onHeldChange: (listener) => hold.onChange(guarded(listener)),
    release(position) {
      lag.release(position)
      hold.setUnconsumed(lag.bytes)
      retention.release(position)
      if (!closing) void retention.sweep()
    },
    status: () => ({
      held: hold.held,
      problem: hold.problem,
      bytes: retention.bytes + spare.bytes,
      segments: retention.segments,
      pendingMessages: pending.messages,
      pendingBytes: pending.bytes,
      syncs: segments.syncs,
      failedSyncs: segments.failedSyncs,
    }),
    close() {
      closing ??= close()
      return closing
    },
  }

  /** A listener that fails must keep neither the others from hearing nor the journal from writing. */
  function guarded<T>(listener: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        listener(value)
      } catch (error) {
        log.error({ err: error }, 'a listener of the journal failed')
      }
    }
  }

  /** With the fault `early-ack` success is told before anything is written. */
  function acknowledge(done: Done, position: number): Done {
    if (options.fault !== 'early-ack') return done
    queueMicrotask(() => done(null, position))
    return () => undefined
  }

  async function close(): Promise<void> {
    clearInterval(timer)
    await groupCommit.close()
    await spare.close()
    await retention.sweep()
    try {
      await segments.close()
    } catch (error) {
      // Everything is synced: the descriptor has nothing left to lose.
      log.warn({ err: error }, `the last journal segment was not closed: ${messageOf(error)}`)
    }
    await options.fileLayer.close()
  }
}

function closedError(): PlatformError {
  return new PlatformError('CLOSED', 'the journal takes no message after close')
}
