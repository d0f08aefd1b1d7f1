import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { IntakeState } from '../state/intake-state.ts'
import { admit, type AdmitDeps } from './admit.ts'
import { commit, type CommitDeps } from './commit.ts'
import { findKnown, type DuplicateDeps } from './deduplicate.ts'
import { judge, type JudgeDeps, type JudgeOptions } from './judge.ts'
import type { Batch, Outcome } from './outcome.ts'
import { parse, type ParseDeps, type ParseOptions } from './parse.ts'
import { store, type StoreDeps } from './store.ts'

export interface PipelineOptions extends ParseOptions, JudgeOptions {
  /** Asks the store about every element: for a run whose memory does not go back far enough. */
  readonly lookUpAll?: boolean
}

export interface PipelineDeps extends ParseDeps, AdmitDeps, DuplicateDeps, JudgeDeps {}

/** Repeats a step until it works. */
export type Retry = <T>(step: () => Promise<T>) => Promise<T>

/**
 * The way of a batch: parse, admit, deduplicate, judge, store, commit (ARCHITECTURE.md, "The way of a
 * message"). Each of the three steps is repeated by itself until it works: once a batch is judged the
 * state has moved, so the same rows and rejections are written however long that takes.
 */
export async function processBatch(
  batch: Batch,
  deps: PipelineDeps & StoreDeps & CommitDeps,
  options: PipelineOptions,
  retry: Retry,
): Promise<Outcome> {
  const judged = await retry(() => judgeBatch(deps.state, batch.messages, deps, options))
  const stored = await retry(() => store(judged, batch, deps))
  await retry(async () => commit(stored, batch.messages, deps))
  return stored
}

/** Only `judge` changes the state, after everything that can fail: a batch can be tried again. */
export async function judgeBatch(
  state: IntakeState,
  messages: readonly JournaledMessage[],
  deps: PipelineDeps,
  options: PipelineOptions,
): Promise<Outcome> {
  const parsed = messages.map((message) => parse(message, deps, options))
  const admitted = await admit(parsed, deps)
  const known = await findKnown(state, admitted, deps, options)
  return judge(state, admitted, known, { deps, options })
}
