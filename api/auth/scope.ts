import type { FullId } from '#lib/telemetry/ids.ts'
import { inScope, type Scope } from '#lib/telemetry/scope.ts'
import { ACCESS, visibleTenants, type Caller } from '#lib/access/policy.ts'
import type { Filter } from '#lib/queries/query.ts'
import type { Names } from './caller-names.ts'
import { Problem, notFound } from '../replies/problem.ts'

export interface Requester {
  readonly caller: Caller
  readonly names: Names
}

/** The scope of queries whose rows have a kind: readings, last values, figures. */
export function readingScope(requester: Requester, filter: Filter): Scope | Problem {
  const { role } = requester.caller.key
  const { readingKinds } = ACCESS[role]
  const hidden = readingKinds && filter.kind?.find((kind) => !readingKinds.includes(kind))
  if (hidden) {
    const seen = readingKinds.join(', ')
    return new Problem(403, `kind: role ${role} sees readings of ${seen}, not of ${hidden}`, {
      path: 'kind',
    })
  }
  const places = placesOf(requester, filter)
  if (places instanceof Problem) return places
  return { ...places, kinds: filter.kind ?? readingKinds }
}

/** The scope of network figures: their kinds are no secret, since they show no values. */
export function figureScope(requester: Requester, filter: Filter): Scope | Problem {
  const places = placesOf(requester, filter)
  return places instanceof Problem ? places : { ...places, kinds: filter.kind ?? null }
}

/** The scope of queries about devices as such: delivery, rejections. Kinds become devices. */
export function deviceScope(requester: Requester, filter: Filter): Scope | Problem {
  const places = placesOf(requester, filter)
  if (places instanceof Problem) return places
  const { deviceKinds } = ACCESS[requester.caller.key.role]
  if (!filter.kind && !deviceKinds) return { ...places, kinds: null }
  const wanted: readonly string[] | undefined = filter.kind
  const devices = requester.names
    .devices()
    .filter(({ kind }) => wanted?.includes(kind) ?? true)
    .filter(({ id }) => inScope({ ...places, kinds: null }, id))
    .map(({ id }) => id)
  return { ...places, devices, kinds: null }
}

/** A row outside the scope belongs to another tenant: an error is better than that row. */
export function requireInScope(scope: Scope, device: FullId): void {
  if (inScope(scope, device)) return
  throw new Error('a result of the ingest role holds a row outside the scope of its query')
}

export function requireTenantInScope({ tenants }: Scope, tenant: string): void {
  if (tenants?.includes(tenant) ?? true) return
  throw new Error('a result of the ingest role holds a tenant outside the scope of its query')
}

type Places = Pick<Scope, 'tenants' | 'devices'>

function placesOf({ caller, names }: Requester, { device, tenant }: Filter): Places | Problem {
  const devices = device?.map((name) => names.findDevice(name)?.id ?? notFound('device', name))
  const tenants = tenant?.map((name) => names.findTenant(name) ?? notFound('tenant', name))
  const problem = [...(devices ?? []), ...(tenants ?? [])].find((one) => one instanceof Problem)
  if (problem instanceof Problem) return problem
  return {
    tenants: tenants ? tenants.filter(isText) : visibleTenants(caller),
    devices: devices ? devices.filter(isText) : null,
  }
}

function isText(value: string | Problem): value is string {
  return typeof value === 'string'
}
