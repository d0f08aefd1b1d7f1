import type { Clock } from '#lib/runtime/clock.ts'
import type { DurableWrite } from './durable-write.ts'
import type { Pending } from './pending.ts'

interface GroupCommitDeps {
  readonly pending: Pending
  readonly write: DurableWrite
  readonly clock: Clock
}

/**
 * The loop that makes groups durable: one at a time, at least `windowMs` between two starts, at once
 * after a longer silence.
 */
export class GroupCommit {
  readonly #deps: GroupCommitDeps
  readonly #windowMs: number
  #isScheduled = false
  #isRunning = false
  #isClosing = false
  #startedNs: bigint
  #timer: NodeJS.Timeout | undefined
  #onDrained: (() => void) | null = null

  constructor(deps: GroupCommitDeps, windowMs: number) {
    this.#deps = deps
    this.#windowMs = windowMs
    this.#startedNs = deps.clock.monoNs() - BigInt(Math.ceil(windowMs * 1e6))
  }

  /** Something is pending. */
  wake(): void {
    if (!this.#isScheduled && !this.#isRunning) this.#schedule()
  }

  /** Commits what is pending without further waiting; what the disk refuses fails with CLOSED. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#deps.write.close()
    const { promise: drained, resolve } = Promise.withResolvers<void>()
    this.#onDrained = resolve
    if (this.#timer) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#isScheduled = false
    }
    this.wake()
    await drained
  }

  #schedule(): void {
    this.#isScheduled = true
    const waitMs = this.#windowMs - Number(this.#deps.clock.monoNs() - this.#startedNs) / 1e6
    // An immediate runs after all sockets of this turn were read: what they bring shares the sync.
    if (this.#isClosing || waitMs <= 0) setImmediate(() => this.#start())
    else this.#timer = setTimeout(() => this.#start(), Math.ceil(waitMs))
  }

  #start(): void {
    const { pending, write, clock } = this.#deps
    this.#timer = undefined
    this.#isScheduled = false
    this.#isRunning = true
    this.#startedNs = clock.monoNs()
    void write.commitNext().then(() => {
      this.#isRunning = false
      if (pending.messages > 0) this.#schedule()
      else this.#onDrained?.()
    })
  }
}
