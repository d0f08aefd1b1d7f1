import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createBackoff } from '#lib/runtime/back-off.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { createRandom } from '#lib/runtime/random.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { createRfmsClient, type Failure } from './client.ts'
import { readCursor, writeCursor, type Cursor } from './cursor-file.ts'
import { createHandOver } from './hand-over.ts'
import type { Page } from './page.ts'
import { createRound } from './round.ts'
import type { RfmsServer } from './servers-file.ts'
import { createVehicles, type VehicleRegistry } from './vehicles.ts'

export interface RfmsPollerOptions {
  readonly server: RfmsServer
  /** Where the cursor is kept (`rfms-<name>.json`). */
  readonly dataDir: string
  readonly requestTimeoutMs?: number
  readonly maxResponseBytes?: number
  /** Messages handed over and not durable yet, at most. */
  readonly maxInFlight?: number
  /** How far a round reaches back behind the end of the one before. */
  readonly overlapMs?: number
  readonly firstPauseMs?: number
  readonly longestPauseMs?: number
}

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
  /** Statuses of vehicles that are no device: rejected or left out, as the file says. */
  readonly unregistered: number
  readonly inFlight: number
  /** Everything that the server received before is durable; null before the first answer. */
  readonly startMs: number | null
  /** Why nothing comes, for people; '' when it does. */
  readonly problem: string
}

/**
 * Asks one rFMS server for what it has received since the last time, and hands each vehicle status to
 * the intake as a message of its device. The cursor moves when everything before it is durable: a
 * restart leaves nothing out, and what comes again is no new reading. Life cycle: `start` resolves when
 * it has begun; after `close` nothing is handed over. It is closed before the intake.
 */
export interface RfmsPoller {
  /** Throws DATA_DIR_UNUSABLE. */
  start(): Promise<void>
  close(): Promise<void>
  status(): RfmsPollerStatus
}

const DEFAULTS = {
  requestTimeoutMs: 30_000,
  maxResponseBytes: 32 * 1024 * 1024,
  maxInFlight: 500,
  overlapMs: 60_000,
  firstPauseMs: 2000,
  longestPauseMs: 300_000,
}

const HOUR_MS = 3_600_000
/** Parts of one round. What was noted of it stays noted. */
const MOST_PAGES = 10_000
const passing = (text: string): Failure => ({ text, sort: 'passing', retryMs: null })
const ENDLESS = passing(`it has more than ${MOST_PAGES} parts of one answer`)
const NOTHING_MORE = passing('it says that there is more and gives nothing')
const CLOSING = passing('the intake is closing')
const UNWRITTEN = passing('its cursor cannot be written')

export function createRfmsPoller(given: RfmsPollerOptions, deps: RfmsPollerDeps): RfmsPoller {
  const options = { ...DEFAULTS, ...given }
  const { server } = options
  const { intake, clock, log } = deps
  const nowMs = () => Number(clock.nowNs() / 1_000_000n)
  const path = join(options.dataDir, `rfms-${server.name}.json`)
  const client = createRfmsClient(server, options, nowMs)
  const vehicles = createVehicles(deps.registry, server.tenant)
  const handOver = createHandOver({ intake, vehicles, clock }, server, options.maxInFlight)
  const backoff = createBackoff({
    firstMs: options.firstPauseMs,
    maxMs: options.longestPauseMs,
    random: createRandom(Number(clock.nowNs() % 2n ** 48n)),
  })
  const closing = new AbortController()
  let seen = new Map<string, number>()
  let cursor: Cursor | null = null
  let rounds = 0
  let problem = `no vehicles of rFMS server ${server.name}: it was not asked yet`
  let running: Promise<void> = Promise.resolve()

  return {
    // Asynchronous so that an unreadable cursor rejects.
    async start() {
      const known = readCursor(path)
      cursor = known ?? { startMs: nowMs() - server.firstHours * HOUR_MS, seen: [] }
      seen = new Map(cursor.seen)
      running = run(cursor)
    },
    async close() {
      closing.abort()
      handOver.close()
      await running
    },
    status: () => ({
      rounds,
      taken: handOver.taken,
      unregistered: handOver.unregistered,
      inFlight: handOver.inFlight,
      startMs: cursor?.startMs ?? null,
      problem,
    }),
  }

  async function run(from: Cursor): Promise<void> {
    let current = from
    while (!closing.signal.aborted) {
      const round = await ask(current)
      current = round.cursor
      const { failure } = round
      if (failure === null) {
        rounds += 1
        problem = ''
        backoff.reset()
      } else if (!closing.signal.aborted) say(failure)
      await pause(failure === null ? round.pauseMs : pauseAfter(failure))
    }
  }

  /** Asks until there is no more. What became durable before a failure stays noted. */
  async function ask(from: Cursor) {
    const round = createRound(from, seen, { overlapMs: options.overlapMs, nowMs })
    const everyMs = server.everySeconds * 1000
    let current = from
    let query: string | null = round.firstQuery
    let pauseMs = everyMs
    for (let pages = 0; query !== null; pages += 1) {
      const answer = pages < MOST_PAGES ? await client.ask(query, closing.signal) : ENDLESS
      if ('text' in answer) return { cursor: current, failure: answer, pauseMs }
      if (isEmptyPromise(answer.page)) return { cursor: current, failure: NOTHING_MORE, pauseMs }
      const failure = await take(round.fresh(answer.page))
      if (failure) return { cursor: current, failure, pauseMs }
      const step = round.taken(answer.page)
      if (step.cursor !== null) {
        const unwritten = note(step.cursor)
        if (unwritten) return { cursor: current, failure: unwritten, pauseMs }
        current = step.cursor
      }
      query = step.nextQuery
      pauseMs = Math.max(everyMs, answer.pauseMs)
      if (query !== null && answer.pauseMs > 0) await pause(answer.pauseMs)
    }
    return { cursor: current, failure: null, pauseMs }
  }

  /** Null when all of them are durable. */
  async function take(statuses: Page['statuses']): Promise<Failure | null> {
    const isDurable = await handOver.take(statuses)
    return isDurable ? null : CLOSING
  }

  /** On a full disk the cursor stays as it was: what comes again is no new reading. */
  function note(next: Cursor): Failure | null {
    try {
      writeCursor(path, next)
      cursor = next
      return null
    } catch (error) {
      log.warn({ err: error }, 'the cursor of an rFMS server cannot be noted')
      return UNWRITTEN
    }
  }

  /** Each reason once, until it is another or all was well. */
  function say({ text, sort }: Failure): void {
    const line = `no vehicles of rFMS server ${server.name}: ${text}`
    if (problem === line) return
    problem = line
    if (sort === 'settings') log.error({ server: server.url }, line)
    else log.warn({ server: server.url }, line)
  }

  function pauseAfter({ sort, retryMs }: Failure): number {
    const ownMs = sort === 'settings' ? backoff.longest() : backoff.next()
    return retryMs ?? ownMs
  }

  async function pause(ms: number): Promise<void> {
    // Ended early by `close`, and then there is nothing to do.
    await wait(ms, undefined, { signal: closing.signal }).catch(() => undefined)
  }
}

/** Asking on would go round in circles, and going on from the server's time could leave much out. */
function isEmptyPromise({ statuses, isMore, nextQuery }: Page): boolean {
  return isMore && statuses.length === 0 && nextQuery === null
}
