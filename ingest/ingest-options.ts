import type { InfluxOptions } from '#lib/store/options.ts'
import type { StoreLimits, StoreRetention } from '#lib/store/store.ts'

/** Plain values the worker starts from (they cross the thread boundary). */
export interface WorkerOptions {
  readonly dataDir: string
  /** Without it `registry.db` of the data directory. */
  readonly registryPath?: string
  /** Without it the embedded one. */
  readonly store?: { readonly url: string; readonly influx?: InfluxOptions }
  readonly journal: { readonly id: string; readonly dir: string; readonly lastPosition: number }
  readonly retention: StoreRetention & { readonly rejectionDays: number }
  readonly limits: StoreLimits
  readonly timezone: string
  readonly lateSeconds: number
  readonly errorsPerMinute: number
  /** Without it 60: twice what VDA 5050 allows between two of `state`. */
  readonly stateSilenceSeconds?: number
  readonly batchBytes: number
  readonly snapshotMs: number
  readonly logLevel: string
}
