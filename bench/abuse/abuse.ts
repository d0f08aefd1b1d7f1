import type { Place } from './place.ts'

export interface Attempts {
  readonly tried: number
  /** Answered with a refusal, or by a closed connection. */
  readonly refused: number
}

/** An account that exceeds a limit of docs/limits.md until it is stopped. */
export interface Abuse {
  readonly name: string
  /** One line: what it does. */
  readonly summary: string
  run(place: Place, signal: AbortSignal): Promise<Attempts>
}

/** Repeats an attempt in `lanes` side by side. An attempt is given its number and its lane. */
export async function repeat(
  signal: AbortSignal,
  lanes: number,
  attempt: (n: number, lane: number) => Promise<'taken' | 'refused'>,
): Promise<Attempts> {
  const attempts = { tried: 0, refused: 0 }
  async function one(lane: number): Promise<void> {
    while (!signal.aborted) {
      attempts.tried += 1
      // A refused connection ends in many ways, all of which are refusals.
      const result = await attempt(attempts.tried, lane).catch(() => 'refused' as const)
      if (result === 'refused') attempts.refused += 1
      // A refusal that comes at once must not keep this program from seeing its end.
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
  // An attempt that a platform lets wait must not keep this program from its end.
  const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  await Promise.race([ended, Promise.all(Array.from({ length: lanes }, (_, lane) => one(lane)))])
  return attempts
}
