import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { Caller } from '#lib/runtime/threads/rpc.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { IncomingMessage, Qos } from '#lib/telemetry/message.ts'
import type { ReplayCounts, ReplayRequest } from '#lib/queries/port.ts'
import type { Journal } from '../journal/journal.ts'
import type { ReplayResult } from '../pipeline/outcome.ts'
import type {
  CandidatesQuery,
  ReplayCandidate,
  ReplayPage,
} from '../rejections/replay-candidates.ts'

interface ReplayDeps {
  readonly journal: Pick<Journal, 'append'>
  readonly caller: Caller
  readonly clock: Clock
  /** Whose a topic is now that was nobody's when its message came (docs/foreign-broker.md). */
  readonly ownerOf?: (topic: string) => FullId | null
}

/** Messages that a replay journals in one turn of the event loop. */
export const REPLAY_SLICE = 100
/** Replays of the same tenants that wait for one another; an installation-wide one waits for its like. */
export const MAX_WAITING_REPLAYS = 10

/**
 * Replays what was rejected, or is at journal positions: each message is journaled again with its
 * origin, and goes the way of all messages (ARCHITECTURE.md, "The way of a message"). One replay of the
 * same tenants runs at a time, and it ends when its caller has left.
 */
export class Replay {
  readonly #deps: ReplayDeps
  readonly #lines = new Map<string, Line>()
  /** By the position of the replay record. */
  readonly #waiting = new Map<number, (result: ReplayResult) => void>()

  constructor(deps: ReplayDeps) {
    this.#deps = deps
  }

  /** Throws REPLAY_BUSY when too many of the same tenants wait, and the reason of `signal`. */
  async run(request: ReplayRequest, signal?: AbortSignal): Promise<ReplayCounts> {
    const key = request.scope.tenants?.toSorted().join(' ') ?? ''
    const line = this.#lines.get(key) ?? { waiting: 0, last: Promise.resolve() }
    if (line.waiting > MAX_WAITING_REPLAYS) {
      throw new PlatformError(
        'REPLAY_BUSY',
        `expected at most ${MAX_WAITING_REPLAYS} replays that wait, got one more; try again later`,
      )
    }
    this.#lines.set(key, line)
    line.waiting += 1
    const turn = line.last.then(() => this.#runAll(request, signal))
    line.last = turn.then(nothing, nothing)
    try {
      return await turn
    } finally {
      line.waiting -= 1
      if (line.waiting === 0) this.#lines.delete(key)
    }
  }

  /** Part by part: however much it is, memory stays flat. */
  async #runAll(request: ReplayRequest, signal: AbortSignal | undefined): Promise<ReplayCounts> {
    const counts = { recovered: 0, again: 0, duplicate: 0 }
    let after: ReplayPage['next'] = null
    do {
      signal?.throwIfAborted()
      const query: CandidatesQuery = { request, after }
      const page: ReplayPage = await this.#deps.caller.call<ReplayPage>('candidates', query, signal)
      const results: Promise<ReplayResult>[] = []
      for (const candidate of page.candidates) {
        const result = this.#replay(candidate)
        // Heard of below, when all of the page are under way.
        result.catch(nothing)
        results.push(result)
        if (results.length % REPLAY_SLICE === 0) await nextTurn()
        if (signal?.aborted) break
      }
      for (const result of await Promise.all(results)) counts[result] += 1
      after = page.next
    } while (after !== null)
    return counts
  }

  /** The worker reports how replay records ended. */
  finish(results: ReadonlyMap<number, ReplayResult>): void {
    for (const [position, result] of results) {
      this.#waiting.get(position)?.(result)
      this.#waiting.delete(position)
    }
  }

  #replay(candidate: ReplayCandidate): Promise<ReplayResult> {
    return new Promise((resolve, reject) => {
      this.#deps.journal.append(this.#messageOf(candidate), (error, position) => {
        if (error) reject(error)
        else this.#waiting.set(position, resolve)
      })
    })
  }

  #messageOf({ device, topic, qos, ...rest }: ReplayCandidate): IncomingMessage {
    const { clock, ownerOf } = this.#deps
    return {
      ...rest,
      topic,
      device: device === '' ? (ownerOf?.(topic) ?? '') : device,
      qos: qosOf(qos),
      retain: false,
      dup: false,
      will: false,
      receivedMonoNs: clock.monoNs(),
    }
  }
}

interface Line {
  /** Replays that run or wait. */
  waiting: number
  last: Promise<unknown>
}

function nothing(): void {
  // The next replay begins however this one ended.
}

function qosOf(value: number): Qos {
  return value === 2 ? 2 : value === 1 ? 1 : 0
}
