import type { Clock } from '#lib/runtime/clock.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { RejectionLog } from '../rejections/rejection-log.ts'
import { showCounts, type IntakeState } from '../state/intake-state.ts'
import type { StageClock } from '../state/stage-clock.ts'
import type { Outcome } from './outcome.ts'

export interface CommitDeps {
  readonly state: IntakeState
  readonly rejections: Pick<RejectionLog, 'record'>
  readonly stages: Pick<StageClock, 'at'>
  readonly clock: Clock
}

/** Keeps the rejections of a batch whose readings are stored, then shows its counts. */
export function commit(
  { rejected, recovered, refusedReplays, replayed, readings }: Outcome,
  messages: readonly JournaledMessage[],
  { state, rejections, stages, clock }: CommitDeps,
): void {
  rejections.record(rejected, recovered, refusedReplays)
  state.isCommitted = true
  const changed = new Set(replayed.map(({ device }) => device))
  for (const { device } of messages) changed.add(device)
  for (const { device } of readings) changed.add(device)
  showCounts(state, changed)
  const nowNs = clock.nowNs()
  const count = stages.at('stored', nowNs)
  for (const { receivedAtNs, origin } of messages) {
    if (!origin) count(Number(nowNs - receivedAtNs) / 1e6)
  }
}
