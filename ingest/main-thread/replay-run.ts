import type { Clock } from '#lib/runtime/clock.ts'
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

/**
 * Replays what was rejected, or is at journal positions: each message is journaled again with its
 * origin, and goes the way of all messages (ARCHITECTURE.md, "The way of a message").
 */
export class Replay {
  readonly #deps: ReplayDeps
  /** By the position of the replay record. */
  readonly #waiting = new Map<number, (result: ReplayResult) => void>()

  constructor(deps: ReplayDeps) {
    this.#deps = deps
  }

  /** Part by part: however much it is, memory stays flat. */
  async run(request: ReplayRequest): Promise<ReplayCounts> {
    const counts = { recovered: 0, again: 0, duplicate: 0 }
    let after: ReplayPage['next'] = null
    do {
      const query: CandidatesQuery = { request, after }
      const page: ReplayPage = await this.#deps.caller.call<ReplayPage>('candidates', query)
      const results = await Promise.all(page.candidates.map((one) => this.#replay(one)))
      for (const result of results) counts[result] += 1
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

function qosOf(value: number): Qos {
  return value === 2 ? 2 : value === 1 ? 1 : 0
}
