import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import { explainFailure, isBusy, openDatabase } from '#lib/runtime/sqlite.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { nowMs, type RegistryContext } from './context.ts'
import { createCredentials, withoutHash } from './credentials.ts'
import { createDevices } from './devices.ts'
import { createKeys } from './keys.ts'
import { loadMemory, secretIn, type Memory } from './index/memory.ts'
import { MIGRATIONS } from './migrations.ts'
import type { Credential, Device, Registry, RegistryChange, Sites, Tenants } from './registry.ts'
import { startPoll } from './index/poll.ts'
import { createSites } from './sites.ts'
import { takeOver } from './take-over.ts'
import { createTenants } from './tenants.ts'

export interface RegistryOptions {
  readonly path: string
  readonly clock: Clock
  readonly log: Log
  /** How long older credentials of a device stay valid beside a new one. */
  readonly credentialOverlapHours: number
  /**
   * How often it is looked whether another process has changed the registry; without it only before
   * a change of its own.
   */
  readonly pollMs?: number
  /** Names of formats a device may have: whoever composes the roles knows them. */
  readonly formats: readonly string[]
}

/** For formats that decrypt: never for an answer or a log. */
export interface DeviceSecrets {
  /** Null when the device or its secret is not there. */
  secretOf(device: FullId, name: string): string | null
}

/** The registry as another thread or role of this host reads it, while its writer has it open. */
export interface RegistryReader extends DeviceSecrets {
  readonly tenants: Pick<Tenants, 'list' | 'get'>
  readonly sites: Pick<Sites, 'list' | 'get'>
  readonly devices: {
    readonly list: () => readonly Device[]
    readonly get: (id: FullId) => Device | null
  }
  /** Of a device that is not there: none. */
  readonly credentials: { readonly list: (device: FullId) => readonly Credential[] }
  /**
   * Everything is read again when it is asked for next: many changes in a row cost one reading.
   * Entries handed out before stay as they were.
   */
  reload(): void
  /** Another number than before: somebody has written, and `reload` is due. */
  dataVersion(): number
  /** After it, every call throws CLOSED. */
  close(): void
}

type ReaderOptions = Pick<RegistryOptions, 'path' | 'clock' | 'log'>

const MS_PER_HOUR = 3_600_000

/** Opens or creates `registry.db`. Throws DATA_DIR_UNUSABLE or DATA_DIR_FOREIGN. */
export function openRegistry(options: RegistryOptions): Registry & DeviceSecrets {
  const { path, clock, log, credentialOverlapHours, formats } = options
  const db = openDatabase(path, { migrations: MIGRATIONS })
  const versionOf = db.prepare('PRAGMA data_version')
  let version = Number(versionOf.get()?.['data_version'])
  const memory = readOrClose(db, path)
  const listeners: ((change: RegistryChange) => void)[] = []
  const gate = createGate()
  const { requireOpen } = gate
  const context: RegistryContext = { db, memory, clock, requireOpen, requireFresh, changed }
  const poll =
    options.pollMs === undefined ? null : startPoll({ refresh, log, clock }, options.pollMs)

  return {
    formats,
    tenants: createTenants(context),
    sites: createSites(context),
    devices: createDevices(context, formats),
    credentials: createCredentials(context, credentialOverlapHours * MS_PER_HOUR),
    keys: createKeys(context),
    secretOf(device, name) {
      gate.requireOpen()
      return secretIn(memory, device, name)
    },
    onChange(listener) {
      gate.requireOpen()
      listeners.push(listener)
    },
    close() {
      poll?.end()
      if (gate.shut()) db.close()
    },
  }

  function requireFresh(): void {
    requireOpen()
    refresh()
  }

  /** Another number than before: another connection has written. */
  function refresh(): void {
    const now = Number(versionOf.get()?.['data_version'])
    if (now === version) return
    const changes = takeOver(memory, readMemory(db, path), nowMs(clock))
    version = now
    for (const change of changes) changed(change)
  }

  /** The change is on disk: a listener that fails must not make it look undone. */
  function changed(change: RegistryChange): void {
    for (const listener of listeners) {
      try {
        listener(change)
      } catch (error) {
        log.error({ err: error, change }, 'a listener of registry changes failed')
      }
    }
  }
}

/** Opens a registry that its writer has created. Throws DATA_DIR_UNUSABLE or DATA_DIR_FOREIGN. */
export function openRegistryReader({ path, log }: ReaderOptions): RegistryReader {
  const db = openDatabase(path, { migrations: MIGRATIONS, readOnly: true })
  const version = db.prepare('PRAGMA data_version')
  const { requireOpen, shut } = createGate()
  let memory = readOrClose(db, path)
  let isStale = false

  return {
    tenants: { list: () => current().tenants.list(), get: (id) => current().tenants.get(id) },
    sites: { list: () => current().sites.list(), get: (id) => current().sites.get(id) },
    devices: { list: () => current().devices.list(), get: (id) => current().devices.get(id) },
    credentials: {
      list: (device) => (current().credentials.get(device) ?? []).map(withoutHash),
    },
    secretOf: (device, name) => secretIn(current(), device, name),
    reload() {
      requireOpen()
      isStale = true
    },
    dataVersion() {
      requireOpen()
      return Number(version.get()?.['data_version'])
    },
    close() {
      if (shut()) db.close()
    },
  }

  function current() {
    requireOpen()
    if (isStale) {
      memory = readMemory(db, path)
      isStale = false
      log.debug({ devices: memory.devices.list().length }, 'the registry was read again')
    }
    return memory
  }
}

function readOrClose(db: DatabaseSync, path: string): Memory {
  try {
    return readMemory(db, path)
  } catch (error) {
    db.close()
    throw error
  }
}

/** A damaged page shows only when it is read, and a foreign database by its tables. */
function readMemory(db: DatabaseSync, path: string): Memory {
  try {
    return loadMemory(db)
  } catch (error) {
    const explained = explainFailure(path, error)
    if (isPlatformError(explained) || isBusy(error)) throw explained
    throw new PlatformError(
      'DATA_DIR_FOREIGN',
      `${path}: expected the tables and entries of a registry, got "${messageOf(error)}"; restore ` +
        `the file from a backup, or move it away to begin anew`,
      { cause: error },
    )
  }
}

interface Gate {
  readonly requireOpen: () => void
  /** True the first time. */
  readonly shut: () => boolean
}

function createGate(): Gate {
  let open = true
  return {
    requireOpen() {
      if (open) return
      throw new PlatformError('CLOSED', 'the registry was asked for something after it was closed')
    },
    shut() {
      const was = open
      open = false
      return was
    },
  }
}
