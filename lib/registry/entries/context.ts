import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Memory } from '../memory/memory.ts'
import type { RegistryChange } from '../registry.ts'

/** What the tables of the registry share: each writes to disk, then to memory, then notifies. */
export interface RegistryContext {
  readonly db: DatabaseSync
  readonly memory: Memory
  readonly clock: Clock
  /** Throws CLOSED after the registry was closed. */
  readonly requireOpen: () => void
  /** The same before a change, which must also take into account what other processes have written. */
  readonly requireFresh: () => void
  readonly changed: (change: RegistryChange) => void
}

export function nowMs(clock: Clock): number {
  return Number(clock.nowNs() / 1_000_000n)
}

/** Registry times have milliseconds: more would only be noise in answers. */
export function isoOfMs(ms: number): string {
  return Temporal.Instant.fromEpochMilliseconds(ms).toString({ fractionalSecondDigits: 3 })
}
