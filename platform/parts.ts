import type { Registry } from '#lib/registry/registry.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { DataDir } from '#lib/runtime/data-dir.ts'
import type { Lifecycle } from '#lib/runtime/lifecycle.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Config } from '#lib/runtime/settings/sections.ts'

/** What all roles of one process share. */
export interface PlatformParts {
  readonly config: Config
  readonly dataDir: DataDir
  readonly registry: Registry
  readonly metrics: Metrics
  readonly lifecycle: Lifecycle
  readonly clock: Clock
  readonly log: Log
}

/** Listeners by name, with their real ports. */
export type Ports = Readonly<Record<string, number>>
