import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { InfluxSettings } from './influx/settings.ts'
import type { StoreLimits, StoreRetention } from './store.ts'

export interface InfluxOptions extends InfluxSettings {
  /** Series of readings (device, channel, radio technology) at most; readings beyond are refused. */
  readonly maxSeries: number
}

export interface StoreOptions {
  /** `duckdb:` or `influx:`; the scheme picks the implementation. */
  readonly url: string
  /** Folder of the embedded store; it exists. */
  readonly dir: string
  /** UUID of the journal, and the last position it gave out. */
  readonly journal: string
  readonly journalLast: number
  /** `Store.positions()` as of the last snapshot. */
  readonly expected: Readonly<Record<string, number>>
  readonly retention: StoreRetention
  readonly limits: StoreLimits
  /** Where the readings go; for `influx:` alone. */
  readonly influx?: InfluxOptions | undefined
  readonly clock: Clock
  readonly log: Log
}
