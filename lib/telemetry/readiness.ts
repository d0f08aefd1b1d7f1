export interface IngestStatus {
  readonly journal: string
  /** Highest durable position, and the highest one the writer has finished. */
  readonly durable: number
  readonly written: number
  readonly lagMessages: number
  /** Age of the oldest message not yet stored, ms. */
  readonly lagMs: number
  /** Why the intake cannot take messages or the store cannot be written; empty when all is well. */
  readonly problems: readonly string[]
  /** What somebody should look at although messages are taken and stored. */
  readonly warnings: readonly string[]
}

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
