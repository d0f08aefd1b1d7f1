import type { Clock } from '#lib/runtime/clock.ts'
import type { Caller } from '#lib/runtime/threads/rpc.ts'
import { createPort, type IngestPort, type ReplayRequest } from '#lib/queries/port.ts'
import type { IngestStatus } from '#lib/telemetry/readiness.ts'
import type { Journal } from '../journal/journal.ts'
import type { Replay } from './replay-run.ts'

export interface PortDeps {
  readonly caller: Caller
  readonly journal: Journal
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
  /** What somebody should look at although all works; '' where there is nothing. */
  warnings(): readonly string[]
  readonly clock: Clock
}

type OwnCall = (argument: never, signal: AbortSignal | undefined) => Promise<unknown>

/** The in-process port: queries run on the worker, replay and status need the journal. */
export function createIngestPort(deps: PortDeps): IngestPort {
  const own: Readonly<Record<string, OwnCall>> = {
    replay: (request: ReplayRequest, signal) => deps.replay.run(request, signal),
    status: async () => ingestStatus(deps),
  }
  return createPort((name, argument, signal) => {
    const answer = own[name]
    // Each name has the argument that `createPort` gives it.
    return answer ? answer(argument as never, signal) : deps.caller.call(name, argument, signal)
  })
}

/** How far the writer is behind the journal, and what keeps either from working. */
export function ingestStatus({
  journal,
  progress,
  inletProblem,
  warnings,
  clock,
}: Pick<PortDeps, 'journal' | 'progress' | 'inletProblem' | 'warnings' | 'clock'>): IngestStatus {
  const { position } = journal.durable
  const lagMessages = Math.max(0, position - progress.written)
  const { problem } = journal.status()
  return {
    journal: journal.id,
    durable: position,
    written: progress.written,
    lagMessages,
    lagMs: lagMessages === 0 ? 0 : lagMsOf(progress, clock.nowNs()),
    problems: [problem, progress.problem, inletProblem()].filter((text) => text !== ''),
    warnings: warnings().filter((text) => text !== ''),
  }
}

/** Age of the oldest message that is not stored, ms; 0 where the clock was set back. */
export function lagMsOf(
  { lastReceivedAtNs, waitingSinceNs }: Omit<PortDeps['progress'], 'written' | 'problem'>,
  nowNs: bigint,
): number {
  const oldestNs = lastReceivedAtNs > waitingSinceNs ? lastReceivedAtNs : waitingSinceNs
  return Math.max(0, Number(nowNs - oldestNs) / 1e6)
}
