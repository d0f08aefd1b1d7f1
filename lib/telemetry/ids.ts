/** Ids of tenants and devices, and the full id `<tenant>.<device>` that names a device everywhere. */
export const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/

/** `tenant.device`: user name, common name of a certificate, `:id` and `device` in HTTP. */
export type FullId = string

export function fullId(tenant: string, device: string): FullId {
  return `${tenant}.${device}`
}

/** The tenant of a full id. Ids cannot hold a dot, so the first one divides. */
export function tenantOf(id: FullId): string {
  const dot = id.indexOf('.')
  return dot < 0 ? id : id.slice(0, dot)
}

/** The short id of a full id: what stands behind the dot. */
export function shortIdOf(id: FullId): string {
  return id.slice(id.indexOf('.') + 1)
}
