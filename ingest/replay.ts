import type { Clock } from '#lib/runtime/clock.ts'
import type { Caller } from '#lib/runtime/rpc.ts'
import type { IncomingMessage, Qos } from '#lib/telemetry/message.ts'
import type { ReplayAnswer, ReplayRequest } from '#lib/telemetry/questions.ts'
import type { Journal } from './journal/journal.ts'
import type { ReplayCandidate } from './rejections.ts'

type Result = 'recovered' | 'again' | 'duplicate'

/**
 * Replays what was rejected, or stands at journal positions: each message is journaled anew with
 * its origin, and goes the way of all messages (design.md, "Position").
 */
export interface Replay {
  run(request: ReplayRequest): Promise<ReplayAnswer>
  /** Told by the worker what became of replay records up to a position. */
  settle(position: number, results: ReadonlyMap<number, Result>): void
}

export function createReplay(deps: {
  readonly journal: Journal
  readonly caller: Caller
  readonly clock: Clock
}): Replay {
  const { journal, caller, clock } = deps
  const waiting = new Map<number, (result: Result) => void>()

  return {
    async run(request) {
      const candidates = await caller.call<readonly ReplayCandidate[]>('candidates', request)
      const answer = { recovered: 0, again: 0, duplicate: 0 }
      const results = await Promise.all(candidates.map(replayOne))
      for (const result of results) answer[result] += 1
      return answer
    },
    settle(_position, results) {
      for (const [position, result] of results) {
        waiting.get(position)?.(result)
        waiting.delete(position)
      }
    },
  }

  function replayOne(candidate: ReplayCandidate): Promise<Result> {
    return new Promise((resolve, reject) => {
      journal.append(messageOf(candidate), (error, position) => {
        if (error) reject(error)
        else waiting.set(position, resolve)
      })
    })
  }

  function messageOf({
    device,
    topic,
    payload,
    qos,
    receivedAtNs,
    origin,
  }: ReplayCandidate): IncomingMessage {
    return {
      device,
      topic,
      payload,
      qos: qosOf(qos),
      retain: false,
      dup: false,
      will: false,
      receivedAtNs,
      receivedMonoNs: clock.monoNs(),
      origin,
    }
  }
}

function qosOf(value: number): Qos {
  return value === 2 ? 2 : value === 1 ? 1 : 0
}
