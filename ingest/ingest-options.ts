import type { QuerySettings } from '#lib/runtime/settings/api-settings.ts'
import type {
  IngestSettings,
  JournalSettings,
  RetentionSettings,
} from '#lib/runtime/settings/ingest-settings.ts'
import type { PlatformSettings } from '#lib/runtime/settings/platform-settings.ts'
import type { InfluxOptions } from '#lib/store/options.ts'

/** The settings of the ingest role, and where its data are. */
export interface IngestOptions extends IngestSettings {
  readonly dataDir: string
  readonly registryPath: string
  readonly store: { readonly url: string; readonly influx?: InfluxOptions }
  readonly journal: JournalSettings & Pick<PlatformSettings, 'fault'>
  readonly retention: RetentionSettings
  readonly limits: QuerySettings
  readonly logLevel: string
}

/** Plain values the worker starts from (they cross the thread boundary). */
export interface WorkerOptions extends Omit<
  IngestOptions,
  'journal' | 'batchMs' | 'backupStallMs' | 'clockAheadHours' | 'clockConfirmHours'
> {
  readonly journal: { readonly id: string; readonly dir: string; readonly lastPosition: number }
}
