import { join } from 'node:path'
import type { Device } from '#lib/registry/registry.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { createRandomFromClock } from '#lib/runtime/random.ts'
import { createInflux } from '#lib/store/influx/client/influx.ts'
import type { InfluxSettings } from '#lib/store/influx/settings.ts'
import type { IngestPort } from '#lib/queries/port.ts'
import type { Journal } from '../journal/journal.ts'
import { createCertificateDays } from './certificate-days.ts'
import { SeriesUpdater, type Derived } from './series-updater.ts'
import type { KeepDays } from './expire.ts'

export interface OpenDerivedOptions {
  readonly dataDir: string
  readonly influx: InfluxSettings
  readonly isShared: boolean
  readonly keepDays: KeepDays
  readonly maxKeys: number
  /** PEM file of the server certificate; null without TLS. */
  readonly certificate: string | null
}

export interface OpenDerivedDeps {
  readonly ingest: {
    readonly port: IngestPort
    readonly journal: Journal
    readonly isClockDoubtful: () => boolean
  }
  readonly devices: () => readonly Device[]
  readonly clock: Clock
  readonly log: Log
}

/** The file of the marks in a data directory: the worker adds them, the series remove them. */
export function derivedPath(dataDir: string): string {
  return join(dataDir, 'derived.db')
}

/** Begins to write the derived series, with a connection to InfluxDB of their own. */
export function openDerived(options: OpenDerivedOptions, deps: OpenDerivedDeps): Derived {
  const { ingest, devices, clock, log } = deps
  const { dataDir, isShared, keepDays, maxKeys, certificate } = options
  const influx = createInflux(options.influx, { clock, log })
  const random = createRandomFromClock(clock)
  const derived = new SeriesUpdater(
    {
      path: derivedPath(dataDir),
      graceMs: 5000,
      isShared,
      keepDays,
      maxKeys,
      keepKeysDays: 90,
      tickMs: 1000,
      hourPauseMs: 30_000,
      timeShare: 0.25,
      retryMs: 1000,
      maxRetryMs: 60_000,
    },
    {
      port: ingest.port,
      influx,
      devices,
      journal: ingest.journal,
      certificateDays: createCertificateDays(certificate, clock),
      isClockDoubtful: () => ingest.isClockDoubtful(),
      random,
      clock,
      log,
    },
  )
  return {
    done: derived.done,
    registryChanged: () => derived.registryChanged(),
    status: () => derived.status(),
    async close() {
      await derived.close()
      influx.close()
    },
  }
}
