import { requireConfig } from '#lib/runtime/config.ts'
import type { IngestOptions } from '../../ingest/ingest-options.ts'
import type { IngestEvents } from '../../ingest/main-thread/worker-events.ts'
import { ingestOptions } from '../../platform/options.ts'

/** The options that the platform would give an ingest role on this data directory. */
export function ingestOptionsFor(
  dataDir: string,
  env: Readonly<Record<string, string>> = {},
): IngestOptions {
  const config = requireConfig({
    PADBORG_DATA_DIR: dataDir,
    PADBORG_LOG_LEVEL: 'error',
    PADBORG_JOURNAL_FREE_BYTES: '0',
    ...env,
  })
  return ingestOptions(config, dataDir)
}

/** For an intake that nobody watches; a failure of its worker fails the test. */
export const UNWATCHED: IngestEvents = {
  notices: () => undefined,
  committed: () => undefined,
  accepted: () => undefined,
  fatal(error) {
    throw error
  },
}
