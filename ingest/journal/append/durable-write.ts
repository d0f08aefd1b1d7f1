import { createBackoff, type Backoff } from '#lib/runtime/back-off.ts'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { BackPressure } from './back-pressure.ts'
import type { Batch, Done, Pending } from './pending.ts'
import type { Retention } from '../segments/retention.ts'
import type { Segments } from '../segments/segments.ts'

interface DurableWriteDeps {
  readonly pending: Pending
  readonly segments: Segments
  readonly retention: Retention
  readonly backPressure: BackPressure
  readonly log: Log
  /** Runs when a batch is durable, before its `done` callbacks; throws nothing. */
  onCommitted(batch: Batch): void
  /** Runs after them; throws nothing. */
  onAcknowledged(): void
}

interface DurableWriteOptions {
  readonly dir: string
  /** Pause after the second failure in a row; doubled up to eight times that. 0 waits not at all. */
  readonly backoffMs: number
  readonly segmentBytes: number
}

/**
 * Writes the oldest batch until it is durable, then acknowledges its messages. While the disk fails
 * it tries again with growing pauses; the messages wait.
 */
export class DurableWrite {
  readonly #deps: DurableWriteDeps
  readonly #options: DurableWriteOptions
  readonly #backoff: Backoff
  #isClosing = false
  #endPause: (() => void) | null = null

  constructor(deps: DurableWriteDeps, options: DurableWriteOptions) {
    this.#deps = deps
    this.#options = options
    const { backoffMs } = options
    this.#backoff = createBackoff({ firstMs: backoffMs, maxMs: 8 * backoffMs })
  }

  async commitNext(): Promise<void> {
    const { pending, segments } = this.#deps
    const batch = pending.take()
    if (!batch) return
    for (let failures = 0; ;) {
      try {
        await segments.write(batch)
        if (failures > 0) this.#afterRecovery(failures)
        this.#acknowledge(batch)
        return
      } catch (error) {
        failures += 1
        await this.#afterFailure(error, failures)
        if (this.#isClosing && failures > 1) {
          this.#giveUp(error)
          return
        }
      }
    }
  }

  /** From now on a batch that fails twice is given up: its messages fail with CLOSED. */
  close(): void {
    this.#isClosing = true
    this.#endPause?.()
  }

  #acknowledge(batch: Batch): void {
    this.#deps.pending.shift()
    this.#deps.onCommitted(batch)
    let position = batch.firstPosition
    for (const done of batch.dones) {
      this.#tell(done, null, position)
      position += 1
    }
    this.#deps.onAcknowledged()
  }

  /** One callback that throws must not keep the others from hearing. */
  #tell(done: Done, error: Error | null, position: number): void {
    try {
      done(error, position)
    } catch (thrown) {
      this.#deps.log.error({ err: thrown }, 'a callback of the journal failed')
    }
  }

  /** Never the same pages again: a new segment, first at once, then after growing pauses. */
  async #afterFailure(error: unknown, failures: number): Promise<void> {
    const { segments, retention, backPressure, log } = this.#deps
    const { dir, segmentBytes, backoffMs } = this.#options
    if (failures === 1) log.error({ err: error, dir }, problemOf(error, dir))
    await segments.abandon()
    if (systemCodeOf(error) === 'ENOSPC') await retention.makeRoom(segmentBytes)
    if (failures === 1) return
    backPressure.setFailure(problemOf(error, dir))
    if (!this.#isClosing && backoffMs > 0) await this.#pause(this.#backoff.next())
  }

  #afterRecovery(failures: number): void {
    const { backPressure, log } = this.#deps
    backPressure.setFailure('')
    this.#backoff.reset()
    const { dir } = this.#options
    log.info({ dir, failures }, 'the journal is written again; nothing acknowledged was lost')
  }

  #giveUp(cause: unknown): void {
    const { pending } = this.#deps
    const error = new PlatformError(
      'CLOSED',
      `the journal was closed before this message became durable: ${messageOf(cause)}`,
      { cause },
    )
    for (let batch = pending.take(); batch; batch = pending.take()) {
      pending.shift()
      for (const done of batch.dones) this.#tell(done, error, 0)
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wait = setTimeout(resolve, ms)
      this.#endPause = () => {
        clearTimeout(wait)
        resolve()
      }
    })
  }
}

function problemOf(error: unknown, dir: string): string {
  const reason = messageOf(error)
  return systemCodeOf(error) === 'ENOSPC'
    ? `the disk of ${dir} is full (${reason}): nothing is acknowledged until there is space; free some`
    : `the journal in ${dir} cannot be written (${reason}): nothing is acknowledged until it can; check the disk`
}
