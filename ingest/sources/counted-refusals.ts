import type { Log } from '#lib/runtime/log.ts'
import { createThrottledLog, type ThrottledLog } from '#lib/runtime/throttled-log.ts'

export interface CountedRefusalsOptions<Reason extends string> {
  readonly log: Log
  readonly monoNs: () => bigint
  /** What the log says where it leaves lines out. */
  readonly suppressedText: string
  /** Counts a refusal in the metrics. */
  readonly count: (reason: Reason) => void
}

/** Log lines in ten seconds. */
const MAX_LINES = 20

/** Counts what a source refuses, by reason, and logs it. */
export class CountedRefusals<Reason extends string> {
  readonly #counts: Record<Reason, number>
  readonly #count: (reason: Reason) => void
  readonly #lines: ThrottledLog

  /** `none`: every reason with 0. */
  constructor(none: Readonly<Record<Reason, number>>, options: CountedRefusalsOptions<Reason>) {
    const { log, monoNs, suppressedText, count } = options
    this.#counts = { ...none }
    this.#count = count
    this.#lines = createThrottledLog(log, { maxLines: MAX_LINES, suppressedText, monoNs })
  }

  /** How often, since the start. */
  get counts(): Readonly<Record<Reason, number>> {
    return this.#counts
  }

  note(reason: Reason, fields: Readonly<Record<string, unknown>>, text: string): void {
    this.#counts[reason] += 1
    this.#count(reason)
    this.#lines.warn({ reason, ...fields }, text)
  }
}
