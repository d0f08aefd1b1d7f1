import type { IngestStatus } from './questions.ts'

/** Why an intake is not ready: what it says itself, and a writer that lags. */
export function readinessProblems(
  { problems, lagMs, lagMessages }: Pick<IngestStatus, 'problems' | 'lagMs' | 'lagMessages'>,
  readyLagMs: number,
): readonly string[] {
  if (lagMs <= readyLagMs) return problems
  const lag =
    `the writer lags: expected at most ${readyLagMs} ms, got ${Math.round(lagMs)} ms ` +
    `(${lagMessages} messages)`
  return [...problems, lag]
}
