import { openDatabase } from '#lib/runtime/sqlite.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { withoutHash } from './entries/credentials.ts'
import { secretIn } from './memory/memory.ts'
import { readMemory, readOrClose } from './memory/read-memory.ts'
import { MIGRATIONS } from './migrations.ts'
import { createOpenGuard } from './open-guard.ts'
import type { Credential, Device, DeviceSecrets, Sites, Tenants } from './registry.ts'

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
   * The next call reads everything again: many changes in a row cost one reading. Entries returned
   * before stay as they were.
   */
  reload(): void
  /** Another number than before: another connection has written, and `reload` is due. */
  dataVersion(): number
  /** After it, every call throws CLOSED. */
  close(): void
}

export interface ReaderOptions {
  readonly path: string
  readonly log: Log
}

/** Opens a registry that its writer has created. Throws DATA_DIR_UNUSABLE or DATA_DIR_FOREIGN. */
export function openRegistryReader({ path, log }: ReaderOptions): RegistryReader {
  const db = openDatabase(path, { migrations: MIGRATIONS, readOnly: true })
  const version = db.prepare('PRAGMA data_version')
  const { requireOpen, close } = createOpenGuard()
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
      if (close()) db.close()
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
