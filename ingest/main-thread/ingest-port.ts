import type { Clock } from '#lib/runtime/clock.ts'
import type { Caller } from '#lib/runtime/threads/rpc.ts'
import type {
  DeliveryRow,
  IngestPort,
  IngestStatus,
  Questions,
  Scope,
} from '#lib/telemetry/questions.ts'
import { inScope } from '#lib/telemetry/scope.ts'
import type { Accepted } from './accepted.ts'
import type { ShownRow } from '../worker-thread/answers.ts'
import type { Journal } from '../journal/journal.ts'
import type { Replay } from './replay-run.ts'

export interface PortDeps {
  readonly caller: Caller
  readonly journal: Journal
  readonly accepted: Accepted
  readonly replay: Replay
  readonly progress: {
    readonly written: number
    /** Receive time of the last message that was written. */
    readonly lastReceivedAtNs: bigint
    /** Since when there has been anything to write at all. */
    readonly waitingSinceNs: bigint
    readonly problem: string
  }
  /** Why no messages come to the intake; '' when they can. */
  inletProblem(): string
  readonly clock: Clock
}

/** The in-process port: most questions go to the worker, sums and replay need the journal too. */
export function createIngestPort(deps: PortDeps): IngestPort {
  const own: { [K in keyof Questions]?: (question: Questions[K][0]) => Promise<Questions[K][1]> } =
    {
      delivery: (scope) => delivery(deps, scope),
      replay: (request) => deps.replay.run(request),
      status: async () => ingestStatus(deps),
    }
  return {
    ask(name, question, signal) {
      const answer = own[name]
      return answer ? answer(question) : deps.caller.call(name, question, signal)
    },
  }
}

/**
 * The worker's counts are those of one position; `accepted` is read after them, so what lies
 * between is pending. A message that was lost on the way would show as pending for ever.
 */
async function delivery({ caller, accepted }: PortDeps, scope: Scope): Promise<DeliveryRow[]> {
  const shown = await caller.call<readonly ShownRow[]>('shown', scope)
  const rows = new Map(shown.map((row) => [row.device, row]))
  const devices = new Set([...rows.keys(), ...accepted.counts().keys()])
  return [...devices]
    .filter((device) => inScope(scope, device))
    .toSorted()
    .map((device) => {
      const row = rows.get(device)
      const { stored = 0, rejected = 0, duplicate = 0, late = 0, partial = 0 } = row ?? {}
      const { lost = 0, commands = 0, read = 0 } = row ?? {}
      const total = accepted.counts().get(device) ?? 0
      const pending = total - read
      return {
        device,
        accepted: total,
        stored,
        rejected,
        duplicate,
        pending,
        late,
        partial,
        lost,
        commands,
      }
    })
}

/** How far the writer is behind the journal, and what keeps either from working. */
export function ingestStatus({
  journal,
  progress,
  inletProblem,
  clock,
}: Pick<PortDeps, 'journal' | 'progress' | 'inletProblem' | 'clock'>): IngestStatus {
  const { position } = journal.durable
  const lagMessages = Math.max(0, position - progress.written)
  const { problem } = journal.status()
  const { lastReceivedAtNs, waitingSinceNs } = progress
  const oldestNs = lastReceivedAtNs > waitingSinceNs ? lastReceivedAtNs : waitingSinceNs
  return {
    journal: journal.id,
    durable: position,
    written: progress.written,
    lagMessages,
    lagMs: lagMessages === 0 ? 0 : Number(clock.nowNs() - oldestNs) / 1e6,
    problems: [problem, progress.problem, inletProblem()].filter((text) => text !== ''),
  }
}
