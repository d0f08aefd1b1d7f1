import type { Role } from '#lib/access/policy.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { FormatDeclaration } from '#lib/telemetry/format-declaration.ts'

export interface Tenant {
  readonly id: string
  readonly name: string
  readonly createdAt: string
}

export interface Site {
  readonly id: string
  /** Null: shared by all tenants. */
  readonly tenant: string | null
  readonly name: string
  readonly position: { readonly lat: number; readonly lon: number } | null
  /** Closed ring of [lat, lon]. */
  readonly outline: readonly (readonly [number, number])[] | null
}

export interface Device {
  /** Full id `<tenant>.<device>`. */
  readonly id: FullId
  readonly tenant: string
  readonly name: string
  readonly kind: Kind | 'gateway'
  readonly format: string
  /** Topic filters outside the native tree that this device may write and read. */
  readonly topics: readonly string[]
  readonly gateway: boolean
  readonly site: string | null
  readonly settings: Readonly<Record<string, unknown>>
  /** Names of the secrets that are set; their values never leave the registry. */
  readonly secretNames: readonly string[]
  readonly createdAt: string
  /** Settings that figures rest on, as they were, in the order of the changes; left out: no change. */
  readonly past?: readonly PastSettings[]
}

/** Settings that held until `validTo`, where no later change reaches further back. */
export interface PastSettings {
  readonly validTo: string
  readonly changedAt: string
  /** Id of the API key that made the change; null: the platform itself. */
  readonly by: string | null
  readonly settings: Readonly<Record<string, unknown>>
}

export interface Credential {
  readonly id: string
  readonly device: FullId
  readonly validFrom: string
  readonly validTo: string | null
}

/** Shown once: the password is stored only as a hash. */
export interface NewCredential extends Credential {
  readonly username: FullId
  readonly password: string
}

export interface ApiKey {
  readonly id: string
  readonly role: Role
  readonly tenant: string | null
  readonly name: string
  readonly createdAt: string
}

export interface NewApiKey extends ApiKey {
  readonly key: string
}

/** To whom an MQTT connection belongs. */
export type Account =
  | {
      readonly type: 'device'
      readonly id: FullId
      readonly tenant: string
      readonly device: Device
    }
  | { readonly type: 'application'; readonly id: string; readonly tenant: string }

/** What changed; `id` is null when everything must be read again. */
export interface RegistryChange {
  readonly table: 'tenants' | 'sites' | 'devices' | 'credentials' | 'keys'
  readonly id: string | null
  /**
   * Tenant or device whose connections may no longer be allowed; null when none can be. A credential
   * that expires is no change.
   */
  readonly affects: { readonly tenant: string; readonly device: FullId | null } | null
}

/** For formats that decrypt: never for an answer or a log. */
export interface DeviceSecrets {
  /** Null when the device or its secret is not there. */
  secretOf(device: FullId, name: string): string | null
}

export interface NewDevice {
  readonly id: string
  readonly tenant: string
  readonly kind: Kind | 'gateway'
  readonly name?: string | undefined
  readonly format?: string | undefined
  readonly topics?: readonly string[] | undefined
  readonly gateway?: boolean | undefined
  readonly site?: string | null | undefined
  readonly settings?: Readonly<Record<string, unknown>> | undefined
  readonly secrets?: Readonly<Record<string, string>> | undefined
}

export interface DeviceChange {
  /** A merge document (RFC 7396) for the device as it would be created; secrets too. */
  readonly patch: Readonly<Record<string, unknown>>
  /** From when settings that figures rest on hold; now where it is left out. */
  readonly validFrom?: string | undefined
  readonly by?: string | null
}

/** A merge document (RFC 7396). */
export type MergeDocument = Readonly<Record<string, unknown>>

export interface Tenants {
  list(): readonly Tenant[]
  get(id: string): Tenant | null
  create(tenant: { readonly id: string; readonly name: string }): Tenant
  update(id: string, patch: MergeDocument): Tenant
  /** Deletes its sites and keys too; REGISTRY_CONFLICT while it has devices. */
  delete(id: string): void
}

export interface Sites {
  list(): readonly Site[]
  get(id: string): Site | null
  create(site: Site): Site
  update(id: string, patch: MergeDocument): Site
  /** REGISTRY_CONFLICT while a device is registered there. */
  delete(id: string): void
}

export interface Devices {
  list(): readonly Device[]
  /** From memory: called for every message. */
  get(id: FullId): Device | null
  /** Its topics may not overlap with those of another device of its tenant: REGISTRY_CONFLICT. */
  create(device: NewDevice): Device
  /** The same checks. Settings that figures rest on stay known with their validity. */
  update(id: FullId, change: DeviceChange): Device
  /** Deletes its credentials, secrets and topics too. */
  delete(id: FullId): void
}

export interface Credentials {
  list(device: FullId): readonly Credential[]
  /** Older credentials of the device stay valid for the overlap setting. */
  create(device: FullId, options?: { readonly validTo?: string | null }): NewCredential
  delete(id: string): void
  /** The account of a user name and password, or null. Constant time for known user names. */
  authenticate(username: string, password: string): Account | null
}

export interface ApiKeys {
  list(): readonly ApiKey[]
  create(key: { role: Role; tenant: string | null; name: string }): NewApiKey
  /** Makes sure this very key exists (the admin key of the first start). */
  ensure(key: string, as: { role: Role; tenant: string | null; name: string }): ApiKey
  delete(id: string): void
  authenticate(key: string): ApiKey | null
}

/**
 * Tenants, sites, devices, credentials and keys: SQLite on disk, all of it in memory. Changes are
 * on disk before a call returns; `onChange` listeners run right after. Throws REGISTRY_CONFLICT
 * (exists), REGISTRY_INVALID (with `path`) and REGISTRY_MISSING.
 */
export interface Registry {
  /** Names of the payload formats a device may be registered with; each is a native channel too. */
  readonly formats: readonly string[]
  /** The same with what each needs to know of a device. */
  readonly declaredFormats: readonly FormatDeclaration[]
  readonly tenants: Tenants
  readonly sites: Sites
  readonly devices: Devices
  readonly credentials: Credentials
  readonly keys: ApiKeys
  onChange(listener: (change: RegistryChange) => void): void
  /** After it, every call throws CLOSED. */
  close(): void
}
