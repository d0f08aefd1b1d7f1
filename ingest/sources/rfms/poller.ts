import { join } from 'node:path'
import { createBackoff, type Backoff } from '#lib/runtime/back-off.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { pause } from '#lib/runtime/pause.ts'
import { createRandomFromClock } from '#lib/runtime/random.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { SourceProblem } from '../source-problem.ts'
import type { StateFile } from '../state-file.ts'
import { RfmsClient, type FetchedPage } from './client.ts'
import { cursorFile, type Cursor } from './cursor-file.ts'
import { isFailure, retryable, type Failure } from './failure.ts'
import { HandOver } from './hand-over.ts'
import { withDefaults, type RfmsPollerOptions, type RfmsSettings } from './options.ts'
import type { Page } from './page.ts'
import { Round, type Step } from './round.ts'
import { Vehicles, type VehicleRegistry } from './vehicles.ts'

export interface RfmsPollerDeps {
  readonly intake: Intake
  readonly registry: VehicleRegistry
  readonly clock: Clock
  readonly log: Log
}

export interface RfmsPollerStatus {
  /** Rounds that were completed. */
  readonly rounds: number
  /** Statuses made durable. */
  readonly taken: number
  /** Statuses of vehicles that are no device: rejected or left out, as the file of servers sets. */
  readonly unregistered: number
  readonly inFlight: number
  /** Everything that the server received before is durable; null before the first response. */
  readonly startMs: number | null
  /** Why nothing comes, for people; '' when it does. */
  readonly problem: string
}

const HOUR_MS = 3_600_000
/** Pages of one round. What was saved of it stays saved. */
const MAX_PAGES = 10_000

const ENDLESS = retryable(`it has more than ${MAX_PAGES} pages for one request`)
const NOTHING_MORE = retryable('it reports more pages and sends an empty one')
const CLOSING = retryable('the intake is closing')
const UNSAVED = retryable('its cursor cannot be written')

/**
 * Requests from one rFMS server what it has received since the last time, and hands each vehicle status
 * to the intake as a message of its device. The cursor moves when everything before it is durable: a
 * restart leaves nothing out, and what comes again is a duplicate. Life cycle: `start` resolves when
 * it has begun; after `close` nothing is handed over. It is closed before the intake.
 */
export class RfmsPoller {
  readonly #settings: RfmsSettings
  readonly #log: Log
  readonly #nowMs: () => number
  readonly #file: StateFile<Cursor>
  readonly #client: RfmsClient
  readonly #handOver: HandOver
  readonly #backoff: Backoff
  readonly #problem: SourceProblem
  readonly #closing = new AbortController()
  #seen = new Map<string, number>()
  #cursor: Cursor = { startMs: 0, seen: [] }
  #isStarted = false
  #rounds = 0
  #running: Promise<void> = Promise.resolve()

  constructor(options: RfmsPollerOptions, { intake, registry, clock, log }: RfmsPollerDeps) {
    const settings = withDefaults(options)
    const { server, dataDir } = settings
    this.#settings = settings
    this.#log = log
    this.#nowMs = () => Number(clock.nowNs() / 1_000_000n)
    this.#file = cursorFile(join(dataDir, `rfms-${server.name}.json`))
    this.#client = new RfmsClient(settings, this.#nowMs)
    const vehicles = new Vehicles(registry, server.tenant)
    this.#handOver = new HandOver({ intake, vehicles, clock }, settings)
    this.#backoff = createBackoff({
      firstMs: settings.firstPauseMs,
      maxMs: settings.maxPauseMs,
      random: createRandomFromClock(clock),
    })
    this.#problem = new SourceProblem(log, problemLine(server.name, 'no request was made yet'))
  }

  /** Throws DATA_DIR_UNUSABLE. */
  async start(): Promise<void> {
    const firstMs = this.#nowMs() - this.#settings.server.firstHours * HOUR_MS
    this.#cursor = this.#file.read() ?? { startMs: firstMs, seen: [] }
    this.#seen = new Map(this.#cursor.seen)
    this.#isStarted = true
    this.#running = this.#run()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#handOver.close()
    await this.#running
  }

  status(): RfmsPollerStatus {
    const { taken, unregistered, inFlight } = this.#handOver
    return {
      rounds: this.#rounds,
      taken,
      unregistered,
      inFlight,
      startMs: this.#isStarted ? this.#cursor.startMs : null,
      problem: this.#problem.text,
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) await pause(await this.#poll(), signal)
  }

  /** One round; how long to wait after it. */
  async #poll(): Promise<number> {
    const result = await this.#round()
    if (isFailure(result)) {
      if (!this.#closing.signal.aborted) this.#report(result)
      return this.#pauseAfter(result)
    }
    this.#rounds += 1
    this.#problem.set('')
    this.#backoff.reset()
    return result.pauseMs
  }

  /** Page after page until there is no more. What became durable before a failure stays saved. */
  async #round(): Promise<{ readonly pauseMs: number } | Failure> {
    const { everySeconds } = this.#settings.server
    const round = new Round(this.#cursor, this.#seen, this.#settings, this.#nowMs)
    let query: string | null = round.firstQuery
    let pauseMs = everySeconds * 1000
    for (let pages = 0; query !== null; pages += 1) {
      const fetched = await this.#fetchPage(query, pages)
      if (isFailure(fetched)) return fetched
      const step = await this.#takePage(round, fetched.page)
      if (isFailure(step)) return step
      query = step.nextQuery
      pauseMs = Math.max(everySeconds * 1000, fetched.pauseMs)
      if (query !== null && fetched.pauseMs > 0) {
        await pause(fetched.pauseMs, this.#closing.signal)
      }
    }
    return { pauseMs }
  }

  async #fetchPage(query: string, pages: number): Promise<FetchedPage | Failure> {
    if (pages >= MAX_PAGES) return ENDLESS
    const fetched = await this.#client.fetchPage(query, this.#closing.signal)
    if (isFailure(fetched)) return fetched
    return isEmptyPromise(fetched.page) ? NOTHING_MORE : fetched
  }

  /** Hands a page over; when all of it is durable the cursor moves. */
  async #takePage(round: Round, page: Page): Promise<Step | Failure> {
    const isDurable = await this.#handOver.take(round.fresh(page))
    if (!isDurable) return CLOSING
    const step = round.taken(page)
    return step.cursor === null || this.#save(step.cursor) ? step : UNSAVED
  }

  /** On a full disk the cursor stays as it was: what comes again is a duplicate. */
  #save(cursor: Cursor): boolean {
    try {
      this.#file.write(cursor)
      this.#cursor = cursor
      return true
    } catch (error) {
      this.#log.warn({ err: error }, 'the cursor of an rFMS server cannot be saved')
      return false
    }
  }

  #report({ text, retryable }: Failure): void {
    const { name, url } = this.#settings.server
    this.#problem.report(problemLine(name, text), { server: url }, !retryable)
  }

  #pauseAfter({ retryable, retryMs }: Failure): number {
    const ownMs = retryable ? this.#backoff.next() : this.#backoff.longest()
    return retryMs ?? ownMs
  }
}

function problemLine(server: string, text: string): string {
  return `no vehicles of rFMS server ${server}: ${text}`
}

/** To continue would repeat the same request, and from the server's time it could leave much out. */
function isEmptyPromise({ statuses, isMore, nextQuery }: Page): boolean {
  return isMore && statuses.length === 0 && nextQuery === null
}
