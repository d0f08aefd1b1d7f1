import { encodeJson } from '#lib/runtime/bigint-json.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Store, StoreQuestion } from '#lib/store/store.ts'
import type { Questions, Span } from '#lib/telemetry/questions.ts'

type Ask = Store['ask']

/** Sums over many rows, which dashboards ask again and again, each viewer for himself. */
const SHARED: ReadonlySet<StoreQuestion> = new Set(['latency', 'throughput', 'loss', 'aggregates'])

/** While the store is busy an answer is given again for this long, also where both go up to their now. */
const KEPT_NS = 1_000_000_000n
const MOST_KEPT = 64

interface Going {
  readonly answer: Promise<unknown>
  readonly toNs: bigint
  readonly end: AbortController
  waiting: number
}

/**
 * Answers a question once for all who ask it at the same time, but only while the store has no hand
 * free: then a wall of dashboards costs what one of them does, and an answer is at most about a second
 * older than the question. Otherwise everybody gets the newest. Those that ask up to now ask the same,
 * though none at the same nanosecond: an answer ends where the question does, or less than a second before.
 */
export function shareAnswers(
  ask: Ask,
  { clock, atOnce }: { readonly clock: Clock; readonly atOnce: number },
): Ask {
  const going = new Map<string, Going>()
  const kept = new Map<string, { answer: unknown; toNs: bigint; atNs: bigint }>()
  let running = 0

  return async (name, question, signal) => {
    if (!SHARED.has(name) || !('toNs' in question)) return ask(name, question, signal)
    const { toNs } = question
    const key = keyOf(name, question, clock.nowNs())
    if (running >= atOnce) {
      const known = kept.get(key)
      const isFresh = known && clock.monoNs() - known.atNs < KEPT_NS
      if (isFresh && endsFor(known, toNs)) return known.answer as Answer<typeof name>
    }
    const same = running >= atOnce ? going.get(key) : undefined
    const one = same && endsFor(same, toNs) ? same : begin(key, name, question, toNs)
    return (await joined(one, signal)) as Answer<typeof name>
  }

  function begin<K extends StoreQuestion>(
    key: string,
    name: K,
    question: Questions[K][0],
    toNs: bigint,
  ): Going {
    const end = new AbortController()
    running += 1
    const answer = ask(name, question, end.signal).finally(() => {
      running -= 1
      if (going.get(key) === one) going.delete(key)
    })
    const one: Going = { answer, toNs, end, waiting: 0 }
    going.set(key, one)
    answer.then(
      (found) => keep(key, found, toNs),
      () => undefined,
    )
    return one
  }

  function keep(key: string, answer: unknown, toNs: bigint): void {
    // What is set anew goes to the end: the first of the map is the oldest.
    kept.delete(key)
    kept.set(key, { answer, toNs, atNs: clock.monoNs() })
    const [oldest] = kept.keys()
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
  }

  /** One who gives up leaves the others waiting; with the last one the question ends. */
  async function joined(one: Going, signal: AbortSignal | undefined): Promise<unknown> {
    one.waiting += 1
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const giveUp = () => reject(signal?.reason)
    if (signal?.aborted) giveUp()
    else signal?.addEventListener('abort', giveUp, { once: true })
    try {
      return await Promise.race([one.answer, aborted])
    } finally {
      signal?.removeEventListener('abort', giveUp)
      one.waiting -= 1
      if (one.waiting === 0) one.end.abort(signal?.reason)
    }
  }
}

type Answer<K extends StoreQuestion> = Questions[K][1]

/** Nothing behind the end that is asked for, and not much less: a question may be long under way. */
function endsFor({ toNs }: { readonly toNs: bigint }, askedNs: bigint): boolean {
  return toNs <= askedNs && askedNs - toNs < KEPT_NS
}

/** An end within the last second is now. */
function keyOf(name: string, question: Span, nowNs: bigint): string {
  const asked = question.toNs > nowNs - KEPT_NS ? { ...question, toNs: 'now' } : question
  return `${name} ${encodeJson(asked)}`
}
