import type { DatabaseSync } from 'node:sqlite'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { ApiKey, Credential, Device, PastSettings, Site, Tenant } from '../registry.ts'
import type { Role } from '#lib/access/policy.ts'
import { createSealedReader, type Row, type SealedReader } from '../damage/seal.ts'
import { createTopicIndex, type TopicIndex } from '../topics/topic-index.ts'

export interface StoredCredential extends Credential {
  readonly hash: Uint8Array
  /** Infinity without an end. */
  readonly validToMs: number
}

export interface StoredKey extends ApiKey {
  readonly hash: Uint8Array
  /** Made by `keys.ensure`. */
  readonly ensured: boolean
}

/** Entries by id, listed in the order of their ids. */
export interface Entries<T> {
  get(id: string): T | null
  has(id: string): boolean
  set(id: string, entry: T): void
  delete(id: string): void
  list(): readonly T[]
}

/** Everything of the registry, as it is on disk. */
export interface Memory {
  readonly tenants: Entries<Tenant>
  readonly sites: Entries<Site>
  readonly devices: Entries<Device>
  readonly secrets: Map<FullId, Readonly<Record<string, string>>>
  /** Oldest first. */
  readonly credentials: Map<FullId, readonly StoredCredential[]>
  readonly keys: Entries<StoredKey>
  /** Keys by `hashName` of their hash. */
  readonly keysByHash: Map<string, StoredKey>
  /** Registered filters, an index per tenant. */
  readonly topics: Map<string, TopicIndex<FullId>>
}

export interface LoadedMemory {
  readonly memory: Memory
  /** How many changes the registry has seen. */
  readonly generation: number
}

/** Reads the whole database, one query per table, as of one moment. Throws SealBroken. */
export function loadMemory(db: DatabaseSync): LoadedMemory {
  db.exec('BEGIN')
  try {
    return readTables(createSealedReader(db))
  } finally {
    // It only read; and after some errors SQLite itself has ended the transaction.
    if (db.isTransaction) db.exec('ROLLBACK')
  }
}

function readTables(sealed: SealedReader): LoadedMemory {
  const memory = emptyMemory()
  for (const row of sealed.rows('tenants')) memory.tenants.set(text(row, 'id'), tenantFrom(row))
  for (const row of sealed.rows('sites')) memory.sites.set(text(row, 'id'), siteFrom(row))
  for (const row of sealed.rows('device_secrets')) {
    const device = text(row, 'device')
    const known = memory.secrets.get(device)
    memory.secrets.set(device, { ...known, [text(row, 'name')]: text(row, 'value') })
  }
  const past = Map.groupBy(sealed.rows('device_history', 'id'), (row) => text(row, 'device'))
  for (const row of sealed.rows('devices')) {
    const id = text(row, 'id')
    const device = deviceFrom(row, memory.secrets.get(id) ?? {})
    const changes = past.get(id)?.map(pastFrom)
    remember(memory, changes ? { ...device, past: changes } : device)
  }
  for (const row of sealed.rows('credentials', 'valid_from, id')) {
    const credential = credentialFrom(row)
    const known = memory.credentials.get(credential.device) ?? []
    memory.credentials.set(credential.device, [...known, credential])
  }
  for (const row of sealed.rows('keys')) rememberKey(memory, keyFrom(row))
  return { memory, generation: sealed.generation() }
}

function emptyMemory(): Memory {
  return {
    tenants: createEntries(),
    sites: createEntries(),
    devices: createEntries(),
    secrets: new Map(),
    credentials: new Map(),
    keys: createEntries(),
    keysByHash: new Map(),
    topics: new Map(),
  }
}

export function secretIn({ secrets }: Memory, device: FullId, name: string): string | null {
  const ofDevice = secrets.get(device) ?? {}
  return Object.hasOwn(ofDevice, name) ? (ofDevice[name] ?? null) : null
}

/** Puts a device and its filters into memory. */
export function remember(memory: Memory, device: Device): void {
  memory.devices.set(device.id, device)
  const index = memory.topics.get(device.tenant) ?? createTopicIndex<FullId>()
  memory.topics.set(device.tenant, index)
  for (const filter of device.topics) index.add(filter, device.id)
}

/** Puts a changed device in the place of what it was; its credentials stay. */
export function replace(
  memory: Memory,
  before: Device,
  after: Device,
  secrets: Readonly<Record<string, string>>,
): void {
  const index = memory.topics.get(before.tenant)
  for (const filter of before.topics) index?.remove(filter)
  remember(memory, after)
  if (after.secretNames.length > 0) memory.secrets.set(after.id, secrets)
  else memory.secrets.delete(after.id)
}

export function forget(memory: Memory, device: Device): void {
  memory.devices.delete(device.id)
  memory.secrets.delete(device.id)
  memory.credentials.delete(device.id)
  const index = memory.topics.get(device.tenant)
  for (const filter of device.topics) index?.remove(filter)
}

export function rememberKey(memory: Memory, key: StoredKey): void {
  memory.keys.set(key.id, key)
  memory.keysByHash.set(hashName(key.hash), key)
}

export function forgetKey(memory: Memory, key: StoredKey): void {
  memory.keys.delete(key.id)
  memory.keysByHash.delete(hashName(key.hash))
}

export function hashName(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64')
}

function createEntries<T>(): Entries<T> {
  const byId = new Map<string, T>()
  let sorted: readonly T[] | null = null
  return {
    get: (id) => byId.get(id) ?? null,
    has: (id) => byId.has(id),
    set(id, entry) {
      byId.set(id, entry)
      sorted = null
    },
    delete(id) {
      byId.delete(id)
      sorted = null
    },
    list() {
      // Ids are ASCII, so this order is the same everywhere and after a restart.
      sorted ??= [...byId].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)
      return sorted
    },
  }
}

function tenantFrom(row: Row): Tenant {
  return { id: text(row, 'id'), name: text(row, 'name'), createdAt: text(row, 'created_at') }
}

function siteFrom(row: Row): Site {
  return {
    id: text(row, 'id'),
    tenant: textOrNull(row, 'tenant'),
    name: text(row, 'name'),
    position: json(row, 'position') as Site['position'],
    outline: json(row, 'outline') as Site['outline'],
  }
}

function pastFrom(row: Row): PastSettings {
  return {
    validTo: text(row, 'valid_to'),
    changedAt: text(row, 'changed_at'),
    by: textOrNull(row, 'changed_by'),
    settings: json(row, 'settings') as PastSettings['settings'],
  }
}

function deviceFrom(row: Row, secrets: Readonly<Record<string, string>>): Device {
  return {
    id: text(row, 'id'),
    tenant: text(row, 'tenant'),
    name: text(row, 'name'),
    // Written from a checked device; a kind of a newer program is kept as it is.
    kind: text(row, 'kind') as Device['kind'],
    format: text(row, 'format'),
    topics: json(row, 'topics') as Device['topics'],
    gateway: row['gateway'] === 1,
    site: textOrNull(row, 'site'),
    settings: json(row, 'settings') as Device['settings'],
    secretNames: Object.keys(secrets).toSorted(),
    createdAt: text(row, 'created_at'),
  }
}

function credentialFrom(row: Row): StoredCredential {
  const validTo = textOrNull(row, 'valid_to')
  return {
    id: text(row, 'id'),
    device: text(row, 'device'),
    validFrom: text(row, 'valid_from'),
    validTo,
    hash: bytes(row, 'hash'),
    validToMs: validTo === null ? Infinity : msOf(validTo),
  }
}

function keyFrom(row: Row): StoredKey {
  return {
    id: text(row, 'id'),
    // Written from a checked role.
    role: text(row, 'role') as Role,
    tenant: textOrNull(row, 'tenant'),
    name: text(row, 'name'),
    createdAt: text(row, 'created_at'),
    hash: bytes(row, 'hash'),
    ensured: row['ensured'] === 1,
  }
}

/** Unix milliseconds of an ISO 8601 time with zone; throws RangeError for anything else. */
export function msOf(iso: string): number {
  return Temporal.Instant.from(iso).epochMilliseconds
}

function text(row: Row, column: string): string {
  return String(row[column])
}

function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column)
}

function bytes(row: Row, column: string): Uint8Array {
  const value = row[column]
  return value instanceof Uint8Array ? value : new Uint8Array()
}

/** JSON that this program wrote from a checked value; the caller knows its type. */
function json(row: Row, column: string): unknown {
  return row[column] === null ? null : JSON.parse(text(row, column))
}
