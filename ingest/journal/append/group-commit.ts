import { createBackoff } from '#lib/runtime/back-off.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Hold } from './back-pressure.ts'
import type { Batch, Done, Pending } from './pending.ts'
import type { Retention } from '../segments/retention.ts'
import type { Segments } from '../segments/segments.ts'

/**
 * The loop that makes groups durable: one at a time, at least `windowMs` between two starts, at once
 * after a longer silence. While the disk fails it tries again with growing pauses; the messages wait.
 */
export interface GroupCommit {
  /** Something is pending. */
  wake(): void
  /** Commits what is pending without further waiting; what the disk refuses is answered CLOSED. */
  close(): Promise<void>
}

export interface GroupCommitDeps {
  readonly pending: Pending
  readonly segments: Segments
  readonly retention: Retention
  readonly hold: Hold
  readonly clock: Clock
  readonly log: Log
  /** Runs when a batch is durable, before its `done` callbacks; throws nothing. */
  committed(batch: Batch): void
  /** Runs behind them; throws nothing. */
  told(): void
}

export interface GroupCommitOptions {
  readonly dir: string
  readonly windowMs: number
  /** Pause after the second failure in a row; doubled up to eight times that. 0 waits not at all. */
  readonly backoffMs: number
  readonly segmentBytes: number
}

export function createGroupCommit(deps: GroupCommitDeps, options: GroupCommitOptions): GroupCommit {
  const { pending, segments, retention, hold, clock, log } = deps
  const { dir, windowMs, backoffMs } = options
  const backoff = createBackoff({ firstMs: backoffMs, maxMs: 8 * backoffMs })
  let scheduled = false
  let running = false
  let closing = false
  let startedNs = clock.monoNs() - BigInt(Math.ceil(windowMs * 1e6))
  let timer: NodeJS.Timeout | undefined
  let drained: (() => void) | null = null
  let endPause: (() => void) | null = null

  return {
    wake() {
      if (scheduled || running) return
      schedule()
    },
    async close() {
      closing = true
      endPause?.()
      const end = new Promise<void>((resolve) => {
        drained = resolve
      })
      if (timer) {
        clearTimeout(timer)
        timer = undefined
        scheduled = false
      }
      if (!scheduled && !running) schedule()
      await end
    },
  }

  function schedule(): void {
    scheduled = true
    const waitMs = windowMs - Number(clock.monoNs() - startedNs) / 1e6
    // An immediate runs after all sockets of this turn were read: what they bring shares the sync.
    if (closing || waitMs <= 0) setImmediate(start)
    else timer = setTimeout(start, Math.ceil(waitMs))
  }

  function start(): void {
    timer = undefined
    scheduled = false
    running = true
    startedNs = clock.monoNs()
    void commitHead().then(() => {
      running = false
      if (pending.messages > 0) schedule()
      else drained?.()
    })
  }

  async function commitHead(): Promise<void> {
    const batch = pending.take()
    if (!batch) return
    for (let failures = 0; ;) {
      try {
        await segments.write(batch)
        if (failures > 0) recovered(failures)
        succeed(batch)
        return
      } catch (error) {
        failures += 1
        await failed(error, failures)
        if (closing && failures > 1) {
          giveUp(error)
          return
        }
      }
    }
  }

  function succeed(batch: Batch): void {
    pending.shift()
    deps.committed(batch)
    let position = batch.firstPosition
    for (const done of batch.dones) {
      tell(done, null, position)
      position += 1
    }
    deps.told()
  }

  /** One callback that throws must not keep the others from hearing. */
  function tell(done: Done, error: Error | null, position: number): void {
    try {
      done(error, position)
    } catch (thrown) {
      log.error({ err: thrown }, 'a callback of the journal failed')
    }
  }

  /** Never the same pages again: a new segment, first at once, then after growing pauses. */
  async function failed(error: unknown, failures: number): Promise<void> {
    if (failures === 1) log.error({ err: error, dir }, problemOf(error))
    await segments.abandon()
    if (systemCodeOf(error) === 'ENOSPC') await retention.makeRoom(options.segmentBytes)
    if (failures === 1) return
    hold.setFailing(problemOf(error))
    if (!closing && backoffMs > 0) await pause(backoff.next())
  }

  function recovered(failures: number): void {
    hold.setFailing('')
    backoff.reset()
    log.info({ dir, failures }, 'the journal is written again; nothing acknowledged was lost')
  }

  function giveUp(cause: unknown): void {
    const error = new PlatformError(
      'CLOSED',
      `the journal was closed before this message became durable: ${messageOf(cause)}`,
      { cause },
    )
    for (let batch = pending.take(); batch; batch = pending.take()) {
      pending.shift()
      for (const done of batch.dones) tell(done, error, 0)
    }
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wait = setTimeout(resolve, ms)
      endPause = () => {
        clearTimeout(wait)
        resolve()
      }
    })
  }

  function problemOf(error: unknown): string {
    const reason = messageOf(error)
    return systemCodeOf(error) === 'ENOSPC'
      ? `the disk of ${dir} is full (${reason}): nothing is acknowledged until there is space; free some`
      : `the journal in ${dir} cannot be written (${reason}): nothing is acknowledged until it can; check the disk`
  }
}
