import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { BackupPort } from '#lib/runtime/backup/backup-port.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { ApiSettings, LiveSettings } from '#lib/runtime/settings/api-settings.ts'
import type { Registry } from '#lib/registry/registry.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import type { Cursors } from './queries/cursor.ts'
import type { TurnLimits, Turns } from './queries/turns.ts'
import type { IntakeSource } from './intake-client/intakes.ts'
import type { RateLimits } from './plugins/rate-limits.ts'
import type { Pseudonyms } from './auth/pseudonyms.ts'
import type { Sessions } from './auth/sessions.ts'

export interface AppDeps {
  readonly port: IngestPort
  /** At least one; `port` runs queries on all of them together. */
  readonly intakes: readonly IntakeSource[]
  /** Where the data are in this process. */
  readonly backups?: BackupPort
  readonly registry: Registry
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
}

export interface AppOptions extends ApiSettings {
  readonly version: string
  /** Of dates, and of intervals that follow the calendar (PADBORG_TIMEZONE). */
  readonly timezone: string
  /** Bearer token of run.json: acts as admin for tools on this machine. */
  readonly localToken: string | null
  /** Keeps pseudonyms and cursors the same over restarts: from a file of the data directory. */
  readonly pseudonymSecret: string
  readonly liveLimits: LiveSettings
  readonly bodyBytes?: number
  readonly rateLimits?: RateLimits
  readonly turnLimits?: TurnLimits
  readonly sessionHours?: number
  readonly maxSessions?: number
  readonly maxSessionsPerKey?: number
  readonly maxConnections?: number
  readonly headersTimeoutMs?: number
  readonly timeoutCheckMs?: number
}

/** What routes work with. */
export interface Api extends AppDeps {
  readonly options: Required<AppOptions>
  readonly sessions: Sessions
  readonly pseudonyms: Pseudonyms
  readonly cursors: Cursors
  readonly turns: Turns
}
