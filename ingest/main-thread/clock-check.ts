import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { isoOf, type Clock } from '#lib/runtime/clock.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { writeFileAtomic } from '#lib/runtime/files.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { IngestSettings } from '#lib/runtime/settings/ingest-settings.ts'
import { DAY_NS, HOUR_NS } from '#lib/telemetry/time-grid.ts'

interface ClockCheckDeps {
  readonly clock: Clock
  readonly log: Log
  /** Called when it becomes doubtful whether the clock is right, and when it no longer is. */
  readonly onDoubt: (isDoubtful: boolean) => void
}

export interface ClockCheckOptions extends Pick<
  IngestSettings,
  'clockAheadHours' | 'clockConfirmHours'
> {
  readonly path: string
  /** Newest receive time of the data: for a directory in which no time was kept. */
  readonly newestReceivedNs: bigint | null
}

/** A moment by both clocks. */
interface Moment {
  readonly wallNs: bigint
  readonly monoNs: bigint
}

const CHECK_EVERY_MS = 1000
const KEEP_EVERY_NS = HOUR_NS

/**
 * Whether the clock may be used to decide what is past its retention. A machine that starts with a
 * clock far ahead would delete everything, for ever, within seconds. So the time that was right last
 * is kept in a file; it goes on with monotonic time, and a clock that is ahead of it by more than some
 * hours is doubted until it has stayed there for so many hours of running.
 *
 * Receive times alone would not do: one message that comes while the clock is wrong would confirm it.
 */
export class ClockCheck {
  readonly #deps: ClockCheckDeps
  readonly #options: ClockCheckOptions
  readonly #aheadNs: bigint
  readonly #confirmNs: bigint
  readonly #timer: NodeJS.Timeout
  #trusted: Moment
  /** When the clock left the trusted time. */
  #left: Moment | null = null
  #isDoubtful = false
  #keptNs: bigint | null
  #isKeepFailing = false

  constructor(deps: ClockCheckDeps, options: ClockCheckOptions) {
    this.#deps = deps
    this.#options = options
    this.#aheadNs = hoursNs(options.clockAheadHours)
    this.#confirmNs = hoursNs(options.clockConfirmHours)
    const now = this.#now()
    this.#keptNs = keptTime(options.path)
    const wallNs = this.#keptNs ?? options.newestReceivedNs ?? now.wallNs
    this.#trusted = { wallNs, monoNs: now.monoNs }
    this.check()
    this.#timer = setInterval(() => this.check(), CHECK_EVERY_MS)
    this.#timer.unref()
  }

  /** While it is, nothing may be dropped for its age. */
  get isDoubtful(): boolean {
    return this.#isDoubtful
  }

  /** For people; '' while the clock is trusted. */
  get warning(): string {
    if (!this.#isDoubtful) return ''
    const now = this.#now()
    const expectedNs = this.#expectedNs(now)
    const days = (Number(now.wallNs - expectedNs) / Number(DAY_NS)).toFixed(1)
    return (
      `the clock of this machine says ${isoOf(now.wallNs)}, which is ${days} days ahead of the last ` +
      `time known to be right; nothing is dropped for its age meanwhile. If the clock is wrong, set it. If ` +
      `it is right, nothing has to be done: it is trusted after ${this.#options.clockConfirmHours} ` +
      'hours of running, or at once after a start with PADBORG_CLOCK_CONFIRM_HOURS=0'
    )
  }

  check(): void {
    const now = this.#now()
    const offNs = now.wallNs - this.#expectedNs(now)
    if (offNs <= this.#aheadNs && offNs >= -this.#aheadNs) this.#trust(now)
    else if (this.#isConfirmed(now)) this.#trust(now)
    // A clock that is behind keeps more than it should, and that for a while.
    this.#setDoubtful(this.#left !== null && offNs > 0n)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#keep()
  }

  #now(): Moment {
    const { clock } = this.#deps
    return { wallNs: clock.nowNs(), monoNs: clock.monoNs() }
  }

  /** What the clock should say at least: a machine that was off has missed some time. */
  #expectedNs({ monoNs }: Moment): bigint {
    return this.#trusted.wallNs + monoNs - this.#trusted.monoNs
  }

  /** Whether the clock has gone on evenly for long enough where it is. */
  #isConfirmed(now: Moment): boolean {
    const left = (this.#left ??= now)
    const ranNs = now.monoNs - left.monoNs
    const strayedNs = now.wallNs - left.wallNs - ranNs
    if (strayedNs > this.#aheadNs || strayedNs < -this.#aheadNs) this.#left = now
    else return ranNs >= this.#confirmNs
    return false
  }

  #trust(now: Moment): void {
    this.#trusted = now
    this.#left = null
    const kept = this.#keptNs
    if (kept === null || now.wallNs - kept >= KEEP_EVERY_NS || now.wallNs < kept) this.#keep()
  }

  #keep(): void {
    const { wallNs } = this.#trusted
    try {
      writeFileAtomic(this.#options.path, `${JSON.stringify({ trusted: isoOf(wallNs) })}\n`)
      this.#keptNs = wallNs
      this.#isKeepFailing = false
    } catch (error) {
      if (!this.#isKeepFailing) {
        const reason = messageOf(error)
        this.#deps.log.warn({ path: this.#options.path, reason }, 'the time cannot be kept')
      }
      this.#isKeepFailing = true
    }
  }

  #setDoubtful(isDoubtful: boolean): void {
    if (isDoubtful === this.#isDoubtful) return
    this.#isDoubtful = isDoubtful
    if (isDoubtful) this.#deps.log.warn(this.warning)
    else this.#deps.log.info('the clock is trusted again: retention goes on')
    this.#deps.onDoubt(isDoubtful)
  }
}

const schema = z.object({ trusted: z.string() })

/** Null where no file is, or one that cannot be read: the data say the time then. */
function keptTime(path: string): bigint | null {
  try {
    const { trusted } = schema.parse(JSON.parse(readFileSync(path, 'utf8')))
    return Temporal.Instant.from(trusted).epochNanoseconds
  } catch {
    return null
  }
}

function hoursNs(hours: number): bigint {
  return BigInt(Math.round(hours * 3600)) * 1_000_000_000n
}
