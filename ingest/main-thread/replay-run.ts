import type { Clock } from '#lib/runtime/clock.ts'
import type { Caller } from '#lib/runtime/threads/rpc.ts'
import type { IncomingMessage, Origin, Qos } from '#lib/telemetry/message.ts'
import type { ReplayAnswer, ReplayRequest } from '#lib/telemetry/questions.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { inScope } from '#lib/telemetry/scope.ts'
import type { Journal, JournalReader } from '../journal/journal.ts'
import { REPLAY_PAGE, type ReplayCandidate, type ReplayPage } from '../rejections/rejection-log.ts'

type Result = 'recovered' | 'again' | 'duplicate'

/**
 * Replays what was rejected, or stands at journal positions: each message is journaled again with
 * its origin, and goes the way of all messages (ARCHITECTURE.md, "The way of a message").
 */
export interface Replay {
  /** Everything that is asked for, part by part: however much it is, memory stays flat. */
  run(request: ReplayRequest): Promise<ReplayAnswer>
  /** Told by the worker what became of replay records up to a position. */
  settle(position: number, results: ReadonlyMap<number, Result>): void
}

/** What the worker is asked for, a part at a time. */
export interface CandidatesQuestion {
  readonly request: ReplayRequest
  readonly after: Origin | null
}

export interface ReplayDeps {
  readonly journal: Journal
  readonly caller: Caller
  readonly clock: Clock
  /** Whose a topic is now that was nobody's when its message came (docs/foreign-broker.md). */
  ownerOf?(topic: string): FullId | null
}

export function createReplay(deps: ReplayDeps): Replay {
  const { journal, caller, clock } = deps
  const waiting = new Map<number, (result: Result) => void>()

  return {
    async run(request) {
      const answer = { recovered: 0, again: 0, duplicate: 0 }
      let after: Origin | null = null
      do {
        const question: CandidatesQuestion = { request, after }
        const page: ReplayPage = await caller.call<ReplayPage>('candidates', question)
        const results = await Promise.all(page.candidates.map(replayOne))
        for (const result of results) answer[result] += 1
        after = page.next
      } while (after !== null)
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
      device: device === '' ? (deps.ownerOf?.(topic) ?? '') : device,
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

/** Messages as they stand in the journal, as far back as its segments are kept. */
export function journaledCandidates(
  reader: JournalReader,
  { positions, scope }: ReplayRequest,
  after: Origin | null,
): ReplayPage {
  if (!positions) return { candidates: [], next: null }
  const from = Math.max(positions.from, (after?.position ?? 0) + 1)
  const last = Math.min(positions.to, from + REPLAY_PAGE.messages - 1)
  const newest = reader.seek(positions.to).position
  const end = reader.seek(last)
  const { messages, next } = reader.read(reader.seek(from - 1), end, REPLAY_PAGE.bytes)
  const candidates = messages
    .filter(({ device, origin }) => !origin && inScope(scope, device))
    .map(({ position, ...message }) => ({ ...message, origin: { position, item: -1 } }))
  // Where records are gone, the part ends where it was to end, and the next one goes on behind it.
  const reached = next.position < end.position ? next.position : Math.max(last, end.position)
  return { candidates, next: reached >= newest ? null : { position: reached, item: -1 } }
}

function qosOf(value: number): Qos {
  return value === 2 ? 2 : value === 1 ? 1 : 0
}
