import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { openDatabase } from '#lib/runtime/sqlite.ts'
import type { FormatDeclaration } from '#lib/telemetry/format-declaration.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { createGenerationWriter, requireNotLost } from './damage/generation-file.ts'
import { ROW_DIGEST, rowDigest } from './damage/row-digest.ts'
import { nowMs, type RegistryContext } from './entries/context.ts'
import { CredentialTable } from './entries/credentials.ts'
import { DeviceTable } from './entries/devices.ts'
import { KeyTable } from './entries/keys.ts'
import { SiteTable } from './entries/sites.ts'
import { TenantTable } from './entries/tenants.ts'
import { applyChanges } from './memory/apply-changes.ts'
import { secretIn, type Memory } from './memory/memory.ts'
import { startPoll, type Poll } from './memory/poll.ts'
import { readMemory, readOrClose } from './memory/read-memory.ts'
import { MIGRATIONS } from './migrations.ts'
import { createOpenGuard, type OpenGuard } from './open-guard.ts'
import type { DeviceSecrets, Registry, RegistryChange } from './registry.ts'

export interface RegistryOptions {
  readonly path: string
  readonly clock: Clock
  readonly log: Log
  /** How long older credentials of a device stay valid beside a new one. */
  readonly credentialOverlapHours: number
  /**
   * How often the registry checks whether another process has changed it; without it only before a
   * change of its own.
   */
  readonly pollMs?: number
  /** The formats a device may have: they are known where the roles are composed. */
  readonly formats: readonly FormatDeclaration[]
  /** Files that are made after the registry: where one is there, the registry was there too. */
  readonly followers?: readonly string[]
}

const MS_PER_HOUR = 3_600_000

/** Opens or creates `registry.db`. Throws DATA_DIR_UNUSABLE or DATA_DIR_FOREIGN. */
export function openRegistry(options: RegistryOptions): Registry & DeviceSecrets {
  const { path, followers = [] } = options
  requireNotLost(path, followers)
  const functions = { [ROW_DIGEST]: rowDigest }
  const db = openDatabase(path, { migrations: MIGRATIONS, functions })
  return new SqliteRegistry(db, options)
}

class SqliteRegistry implements Registry, DeviceSecrets {
  readonly formats: readonly string[]
  readonly declaredFormats: readonly FormatDeclaration[]
  readonly tenants: TenantTable
  readonly sites: SiteTable
  readonly devices: DeviceTable
  readonly credentials: CredentialTable
  readonly keys: KeyTable

  readonly #db: DatabaseSync
  readonly #options: RegistryOptions
  readonly #memory: Memory
  readonly #guard: OpenGuard = createOpenGuard()
  readonly #listeners: ((change: RegistryChange) => void)[] = []
  readonly #poll: Poll | null
  readonly #dataVersion: StatementSync
  readonly #writeGeneration: () => void
  /** As of what is in memory. */
  #version: number

  constructor(db: DatabaseSync, options: RegistryOptions) {
    const { path, clock, log, credentialOverlapHours, pollMs, formats } = options
    this.#db = db
    this.#options = options
    this.#dataVersion = db.prepare('PRAGMA data_version')
    // Before the memory: what is written in between is read again.
    this.#version = this.#currentVersion()
    this.#memory = readOrClose(db, path)
    this.#writeGeneration = createGenerationWriter(db, path)
    this.#noteGeneration()
    const context: RegistryContext = {
      db,
      memory: this.#memory,
      clock,
      requireOpen: this.#guard.requireOpen,
      requireFresh: () => {
        this.#guard.requireOpen()
        this.#refresh()
      },
      changed: (change) => this.#changed(change),
    }
    this.declaredFormats = formats
    this.formats = formats.map(({ name }) => name)
    this.tenants = new TenantTable(context)
    this.sites = new SiteTable(context)
    this.devices = new DeviceTable(context, formats)
    this.credentials = new CredentialTable(context, credentialOverlapHours * MS_PER_HOUR)
    this.keys = new KeyTable(context)
    const refresh = () => this.#refresh()
    this.#poll = pollMs === undefined ? null : startPoll({ refresh, log, clock }, pollMs)
  }

  secretOf(device: FullId, name: string): string | null {
    this.#guard.requireOpen()
    return secretIn(this.#memory, device, name)
  }

  onChange(listener: (change: RegistryChange) => void): void {
    this.#guard.requireOpen()
    this.#listeners.push(listener)
  }

  close(): void {
    this.#poll?.end()
    if (this.#guard.close()) this.#db.close()
  }

  /** Another number than before: another connection has written. */
  #currentVersion(): number {
    return Number(this.#dataVersion.get()?.['data_version'])
  }

  #refresh(): void {
    const version = this.#currentVersion()
    if (version === this.#version) return
    const { path, clock } = this.#options
    const changes = applyChanges(this.#memory, readMemory(this.#db, path), nowMs(clock))
    this.#version = version
    for (const change of changes) this.#changed(change)
  }

  /**
   * A revocation that stands in the WAL alone is undone by one flipped bit there, without a word: SQLite
   * takes the frames before it for the whole. What a reader holds up is moved after the next change.
   */
  #checkpoint(): void {
    try {
      this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)')
    } catch (error) {
      this.#options.log.error({ err: error }, 'registry.db-wal could not be moved into registry.db')
    }
  }

  /** Where it fails, an older copy is recognised again from the next change on. */
  #noteGeneration(): void {
    try {
      this.#writeGeneration()
    } catch (error) {
      this.#options.log.error({ err: error }, 'registry.db.generation could not be written')
    }
  }

  /** The change is on disk: a listener that fails must not make it look undone. */
  #changed(change: RegistryChange): void {
    this.#checkpoint()
    this.#noteGeneration()
    for (const listener of this.#listeners) {
      try {
        listener(change)
      } catch (error) {
        this.#options.log.error({ err: error, change }, 'a listener of registry changes failed')
      }
    }
  }
}
