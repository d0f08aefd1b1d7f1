import type { Kind } from '#lib/telemetry/catalogue.ts'

export const ROLES = [
  'admin',
  'secretariat',
  'engineer',
  'tenant-operator',
  'tenant-viewer',
  'application',
] as const
export type Role = (typeof ROLES)[number]

/** What a route may ask for; each route names exactly one, `public` needs no key. */
export const PERMISSIONS = [
  'session:read',
  'tenants:read',
  'tenants:write',
  'sites:read',
  'sites:write',
  'devices:read',
  'devices:write',
  'conformance:read',
  'credentials:read',
  'credentials:write',
  'keys:read',
  'keys:write',
  'kinds:read',
  'readings:read',
  'delivery:read',
  'network:read',
  'heat:read',
  'rejections:read',
  'rejections:replay',
  'backup:write',
] as const
export type Permission = (typeof PERMISSIONS)[number]

export interface Access {
  readonly permissions: readonly Permission[]
  readonly tenants: 'all' | 'own'
  /** Kinds of readings it may see; null is every kind. */
  readonly readingKinds: readonly Kind[] | null
  /** Kinds of devices that exist for it; null is every kind, gateways too. */
  readonly deviceKinds: readonly Kind[] | null
  /** Devices, tenants and channels carry stable pseudonyms; identifying fields are left out. */
  readonly pseudonymised: boolean
}

const HEAT_AND_ENERGY: readonly Kind[] = ['heat_meter', 'energy_meter', 'weather']
/** Readings that are measurements of the network themselves. */
const NETWORK: readonly Kind[] = ['radio', 'probe']

const EVERYTHING = { readingKinds: null, deviceKinds: null, pseudonymised: false } as const

const TENANT_READS: readonly Permission[] = [
  'session:read',
  'tenants:read',
  'sites:read',
  'devices:read',
  'conformance:read',
  'credentials:read',
  'kinds:read',
  'readings:read',
  'delivery:read',
  'network:read',
  'heat:read',
  'rejections:read',
]

/** Who may do what: the only place that knows the roles. */
export const ACCESS: Readonly<Record<Role, Access>> = {
  admin: { permissions: PERMISSIONS, tenants: 'all', ...EVERYTHING },
  secretariat: {
    permissions: [
      'session:read',
      'tenants:read',
      'sites:read',
      'devices:read',
      'kinds:read',
      'readings:read',
      'delivery:read',
      'heat:read',
    ],
    tenants: 'all',
    readingKinds: HEAT_AND_ENERGY,
    deviceKinds: HEAT_AND_ENERGY,
    pseudonymised: false,
  },
  // Sites, topics and payloads would tell whose a pseudonym is, and where.
  engineer: {
    permissions: ['session:read', 'kinds:read', 'readings:read', 'delivery:read', 'network:read'],
    tenants: 'all',
    readingKinds: NETWORK,
    deviceKinds: null,
    pseudonymised: true,
  },
  'tenant-operator': {
    permissions: [
      ...TENANT_READS,
      'devices:write',
      'credentials:write',
      'keys:read',
      'rejections:replay',
    ],
    tenants: 'own',
    ...EVERYTHING,
  },
  'tenant-viewer': { permissions: TENANT_READS, tenants: 'own', ...EVERYTHING },
  // Applications speak MQTT; over HTTP they can only see that their key is right.
  application: { permissions: ['session:read'], tenants: 'own', ...EVERYTHING },
}

/** Fields that tell where something is, or whose it is; never shown to a pseudonymised role. */
export const IDENTIFYING_FIELDS: ReadonlySet<string> = new Set([
  'lat',
  'lon',
  'altM',
  'headingDeg',
  'xM',
  'yM',
  'thetaRad',
  'mapId',
  'lastNodeId',
  // The endpoint of a probe: an address in the network of its owner.
  'target',
])

/** Who asks: a key of the registry, or a tool of this machine with the local token. */
export interface Caller {
  readonly key: {
    readonly id: string
    readonly role: Role
    readonly tenant: string | null
    readonly name: string
  }
  /** Null for a bearer key. */
  readonly sessionId: string | null
}

export function isAllowed({ key }: Caller, permission: Permission): boolean {
  return ACCESS[key.role].permissions.includes(permission)
}

/** Tenants a caller sees; null is all of them. A tenant's key without a tenant sees none. */
export function visibleTenants({ key }: Caller): readonly string[] | null {
  if (ACCESS[key.role].tenants === 'all') return null
  return key.tenant === null ? [] : [key.tenant]
}

export function seesTenant(caller: Caller, tenant: string): boolean {
  return visibleTenants(caller)?.includes(tenant) ?? true
}

/** For the API documentation. */
export function rolesWith(permission: Permission): readonly string[] {
  return Object.entries(ACCESS)
    .filter(([, { permissions }]) => permissions.includes(permission))
    .map(([role]) => role)
}
