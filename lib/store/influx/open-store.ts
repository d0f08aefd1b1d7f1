import { PlatformError, isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { StoreOptions } from '../options.ts'
import type { OpenedStore } from '../store.ts'
import { ensureDatabase, readFirstProgress } from './client/connect.ts'
import { Preparation } from './client/preparation.ts'
import { sendOutbox } from './write/flush.ts'
import { createInflux, type Influx } from './client/influx.ts'
import { openLocalState, type LocalState } from './state/local-state.ts'
import { InfluxStore } from './store.ts'

/**
 * Opens the store in an InfluxDB. A server that does not answer does not keep the platform from
 * starting, because the journal takes what comes; one that answers and does not fit does.
 */
export async function openInfluxStore(options: StoreOptions): Promise<OpenedStore> {
  const { influx: settings, log, clock, journal, journalLast } = options
  if (!settings) {
    throw new PlatformError('CONFIG_INVALID', 'expected INFLUX_URL for PADBORG_STORE=influx:')
  }
  const local = openLocalState(options.dir, journal)
  const influx = createInflux(settings, { log, clock })
  try {
    requireNotAhead(local.rolled, options)
    let isOpen = false
    const preparation = new Preparation(() => prepare({ influx, local, options, isOpen }))
    try {
      await preparation.ensure()
    } catch (error) {
      if (!isPlatformError(error, 'STORE_UNAVAILABLE')) throw error
      log.error(
        { reason: messageOf(error) },
        'InfluxDB does not answer; the journal keeps everything',
      )
    }
    isOpen = true
    const missingFrom = firstMissing(local, options)
    const highest = Math.max(0, ...Object.values(options.expected))
    const store = new InfluxStore({
      options,
      influx,
      local,
      maxSeries: settings.maxSeries,
      committed: missingFrom === null ? highest : Math.min(highest, missingFrom - 1),
      preparation,
    })
    return { store, missingFrom }
  } catch (error) {
    influx.close()
    local.close()
    if (isPlatformError(error, 'STORE_AHEAD')) log.error({ journalLast }, error.message)
    throw error
  }
}

interface Preparing {
  readonly influx: Influx
  readonly local: LocalState
  readonly options: StoreOptions
  /** Whether the store is in use already. */
  readonly isOpen: boolean
}

/** Database, outbox, and whether InfluxDB holds what it was given. */
async function prepare({ influx, local, options, isOpen }: Preparing): Promise<void> {
  const { journal, retention, log, clock } = options
  await ensureDatabase(influx, retention, log)
  const found = await readFirstProgress(influx, journal)
  if (found !== null) requireNotAhead(found, options)
  if (local.outbox().length > 0) {
    await sendOutbox({ influx, local, journal }, clock.nowNs())
    return
  }
  const held = found ?? 0
  if (held === local.rolled) return
  // Only a start reads the journal again. Until then what is known here stays as it is.
  if (isOpen) throw restoredWhileAway(influx.settings.url)
  log.warn(
    { from: held, to: local.rolled },
    'InfluxDB and the state beside it are not at the same position: one of them was restored',
  )
  local.reset(held)
}

function requireNotAhead(position: number, { journalLast, dir }: StoreOptions): void {
  if (position <= journalLast) return
  throw new PlatformError(
    'STORE_AHEAD',
    `${dir}: expected InfluxDB to hold positions of the journal up to ${journalLast}, got ${position}; ` +
      `the journal was restored or is another one: use the one that belongs to this database`,
  )
}

function restoredWhileAway(url: string): PlatformError {
  return new PlatformError(
    'STORE_UNAVAILABLE',
    `InfluxDB at ${url} lacks readings that it was given, it was restored or emptied; ` +
      `restart the platform: it reads the journal again`,
  )
}

function firstMissing(
  { parts, dropped, rolled }: LocalState,
  { expected }: StoreOptions,
): number | null {
  let first = Infinity
  for (const [name, position] of Object.entries(expected)) {
    const found = Math.max(parts.get(name)?.position ?? 0, dropped.get(name)?.position ?? 0)
    // Of a part that is not known here everything after the figures may be missing.
    if (found < position) first = Math.min(first, (found === 0 ? rolled : found) + 1)
  }
  return first === Infinity ? null : first
}
