import type { BackupPort } from '#lib/runtime/backup/backup-port.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { LiveFeed } from '#lib/telemetry/live.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import type { IngestStatus } from '#lib/telemetry/readiness.ts'

export interface InternalDeps {
  readonly port: IngestPort
  readonly live: LiveFeed
  readonly backups: BackupPort
  readonly status: () => IngestStatus
  readonly metrics: Metrics
  readonly clock: Clock
  readonly log: Log
}

export interface InternalOptions {
  readonly host: string
  readonly port: number
  readonly secret: string
  /** Certificate and key as PEM; null: plain HTTP. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null
  readonly readyLagMs: number
}
