import { tenantOf, type FullId } from './ids.ts'
import type { Scope } from './questions.ts'

/** Everything: the scope of an admin without filters. */
export const ALL: Scope = { tenants: null, devices: null, kinds: null }

/** Whether a device lies inside a scope (its kinds are the business of the rows). */
export function inScope(scope: Scope, device: FullId): boolean {
  if (scope.tenants && !scope.tenants.includes(tenantOf(device))) return false
  return !scope.devices || scope.devices.includes(device)
}
