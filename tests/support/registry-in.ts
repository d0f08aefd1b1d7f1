import { join } from 'node:path'
import { openRegistry } from '#lib/registry/open.ts'
import type { NewDevice, Registry } from '#lib/registry/registry.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { FORMAT_LIST } from '../../ingest/formats/catalogue.ts'

/** A registry of all formats in a folder of the test. */
export function registryIn(dir: string, log: Log): Registry {
  return openRegistry({
    path: join(dir, 'registry.db'),
    clock: systemClock,
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_LIST,
  })
}

/** Registers a truck, or another device, by its full id, and its tenant if there is none. */
export function registerDevice(
  registry: Registry,
  id: string,
  more: Partial<NewDevice> = {},
): void {
  const [tenant = '', short = ''] = id.split('.')
  registerTenant(registry, tenant)
  registry.devices.create({ id: short, tenant, kind: 'truck', ...more })
}

export function registerTenant(registry: Registry, tenant: string): void {
  if (!registry.tenants.get(tenant)) registry.tenants.create({ id: tenant, name: tenant })
}
