import type { RfmsServer } from './servers-file.ts'

export interface RfmsPollerOptions {
  readonly server: RfmsServer
  /** Where the cursor is kept (`rfms-<name>.json`). */
  readonly dataDir: string
  readonly requestTimeoutMs?: number
  readonly maxResponseBytes?: number
  /** Messages handed over and not durable yet, at most. */
  readonly maxInFlight?: number
  /** How far a round begins before the end of the round before it. */
  readonly overlapMs?: number
  readonly firstPauseMs?: number
  readonly maxPauseMs?: number
}

const DEFAULTS = {
  requestTimeoutMs: 30_000,
  maxResponseBytes: 32 * 1024 * 1024,
  maxInFlight: 500,
  overlapMs: 60_000,
  firstPauseMs: 2000,
  maxPauseMs: 300_000,
}

/** The options with defaults; a part takes what it needs: `Pick<RfmsSettings, ...>`. */
export type RfmsSettings = Required<RfmsPollerOptions>

export function withDefaults(options: RfmsPollerOptions): RfmsSettings {
  return { ...DEFAULTS, ...options }
}
