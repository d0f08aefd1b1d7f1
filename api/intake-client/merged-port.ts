import { isPlatformError } from '#lib/runtime/errors.ts'
import { QUESTION_SOURCES } from '#lib/telemetry/question-sources.ts'
import type { IngestPort, Questions } from '#lib/telemetry/questions.ts'
import type { IntakeSource } from './intakes.ts'
import { mergeClocks, mergeDelivery, mergeLastValues, mergeStatus } from './merge.ts'
import { mergeConformance } from './merge-conformance.ts'
import { mergeLatency, splitStages } from './merge-latency.ts'
import { mergeRejectionGroups } from './merge-rejection-groups.ts'
import { mergedRejections, replayEach } from './merge-rejections.ts'

/**
 * Several intakes on one store as if they were one. What the store knows is asked of one that
 * answers; what each knows for itself is asked of all, and if one does not answer there is no answer:
 * a sum without it would be wrong and look right.
 */
export function mergedPort(intakes: readonly IntakeSource[]): IngestPort {
  const [only, ...more] = intakes
  if (only && more.length === 0) return only.port
  const all = askAll(intakes)
  const merged: { [K in keyof Questions]?: (...given: Given<K>) => Promise<Questions[K][1]> } = {
    lastValues: async (...given) => mergeLastValues(await all('lastValues', ...given)),
    clocks: async (...given) => mergeClocks(await all('clocks', ...given)),
    conformance: async (...given) => mergeConformance(await all('conformance', ...given)),
    delivery: async (...given) => mergeDelivery(await all('delivery', ...given)),
    status: async (...given) => mergeStatus(await all('status', ...given)),
    rejectionGroups: async (...given) =>
      mergeRejectionGroups(await all('rejectionGroups', ...given)),
    rejections: (...given) => mergedRejections(intakes, ...given),
    replay: (...given) => replayEach(intakes, ...given),
    async latency(query, signal) {
      const { stored, own } = splitStages(query)
      const [rows, each] = await Promise.all([
        stored.stages.length > 0
          ? askOne(intakes, { name: 'latency', question: stored, signal })
          : [],
        own.stages.length > 0 ? all('latency', own, signal) : [],
      ])
      return [...rows, ...mergeLatency(each)]
    },
  }
  return {
    ask(name, question, signal) {
      const answer = merged[name]
      if (answer) return answer(question, signal)
      if (QUESTION_SOURCES[name] !== 'state') return askOne(intakes, { name, question, signal })
      throw new Error(`${name} has an answer for each intake only`)
    },
  }
}

type Given<K extends keyof Questions> = readonly [Questions[K][0], AbortSignal | undefined]

function askAll(intakes: readonly IntakeSource[]) {
  return <K extends keyof Questions>(
    name: K,
    question: Questions[K][0],
    signal?: AbortSignal,
  ): Promise<readonly Questions[K][1][]> =>
    Promise.all(intakes.map(({ port }) => port.ask(name, question, signal)))
}

interface OneQuestion<K extends keyof Questions> {
  readonly name: K
  readonly question: Questions[K][0]
  readonly signal: AbortSignal | undefined
}

/** Those that answer first; an intake that is lost meanwhile leaves the question to the next. */
async function askOne<K extends keyof Questions>(
  intakes: readonly IntakeSource[],
  { name, question, signal }: OneQuestion<K>,
): Promise<Questions[K][1]> {
  const inOrder = intakes.toSorted(
    (a, b) => Number(a.problem() !== null) - Number(b.problem() !== null),
  )
  let reason: unknown
  for (const { port } of inOrder) {
    try {
      return await port.ask(name, question, signal)
    } catch (error) {
      if (!isPlatformError(error, 'INGEST_UNREACHABLE')) throw error
      reason = error
    }
  }
  throw reason
}
