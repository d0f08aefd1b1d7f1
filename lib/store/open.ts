import { PlatformError } from '#lib/runtime/errors.ts'
import { openDuckdbStore } from './duckdb/open-store.ts'
import { openInfluxStore } from './influx/open-store.ts'
import type { StoreOptions } from './options.ts'
import type { OpenedStore } from './store.ts'

/** Every store by the scheme of `PADBORG_STORE`. A new one is a folder beside this and a line here. */
const STORES: Readonly<Record<string, (options: StoreOptions) => Promise<OpenedStore>>> = {
  duckdb: openDuckdbStore,
  influx: openInfluxStore,
}

/**
 * Opens the store that a url names. Throws STORE_AHEAD and DATA_DIR_FOREIGN where store and journal
 * do not belong together, DATA_DIR_LOCKED where the store is open already, and STORE_UNAVAILABLE
 * when it cannot be reached.
 */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const scheme = options.url.slice(0, options.url.indexOf(':'))
  const open = STORES[scheme]
  if (open) return open(options)
  throw new PlatformError(
    'CONFIG_INVALID',
    `PADBORG_STORE: expected one of ${Object.keys(STORES).join(':, ')}:, got ${options.url}`,
  )
}
