import type { Kind } from './catalogue.ts'
import { tenantOf, type FullId } from './ids.ts'

/** Which rows a caller may see. `null` sets no limit; an empty list lets nothing through. */
export interface Scope {
  readonly tenants: readonly string[] | null
  readonly devices: readonly FullId[] | null
  readonly kinds: readonly Kind[] | null
}

/** Everything: the scope of an admin without filters. */
export const ALL: Scope = { tenants: null, devices: null, kinds: null }

/** Whether a device lies inside a scope (the rows check its kinds). */
export function inScope(scope: Scope, device: FullId): boolean {
  if (scope.tenants && !scope.tenants.includes(tenantOf(device))) return false
  return !scope.devices || scope.devices.includes(device)
}
