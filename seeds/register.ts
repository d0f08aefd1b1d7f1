import { z } from 'zod'
import type { Api } from '../simulators/run/api.ts'
import { ensure, inParallel, type NewDevice } from '../simulators/run/registrar.ts'
import { DEVICES } from './devices.ts'
import { SITES } from './testbed/sites.ts'
import { TENANTS } from './testbed/tenants.ts'

const AT_ONCE = 8

const deviceSchema = z.object({ id: z.string(), settings: z.record(z.string(), z.unknown()) })

export interface Registration {
  readonly created: number
  /** Where the history of the testbed ends: when it was registered first, Unix ms. */
  readonly endMs: number
}

/**
 * Registers what is missing of the testbed. The labels of each device hold the time when the
 * testbed was set up, so that seeding again makes the same history, byte for byte.
 */
export async function registerTestbed(api: Api, nowMs: number): Promise<Registration> {
  const endMs = (await knownEndMs(api)) ?? Math.floor(nowMs / 60_000) * 60_000
  let created = 0
  const add = async (path: string, body: object) => {
    if (await ensure(api, path, body)) created += 1
  }
  for (const tenant of TENANTS) await add('/tenants', tenant)
  await inParallel(SITES, AT_ONCE, (site) => add('/sites', site))
  await inParallel(DEVICES, AT_ONCE, (device) => add('/devices', withLabel(device, endMs)))
  return { created, endMs }
}

function withLabel({ settings = {}, ...device }: NewDevice, testbedSince: number): NewDevice {
  const labels = { ...labelsOf(settings), testbedSince }
  return { ...device, settings: { ...settings, labels } }
}

/** Earlier versions had it among the settings themselves. */
function sinceOf(settings: NonNullable<NewDevice['settings']>): unknown {
  return Reflect.get(labelsOf(settings), 'testbedSince') ?? settings['testbedSince']
}

function labelsOf({ labels }: NonNullable<NewDevice['settings']>): object {
  return typeof labels === 'object' && labels !== null ? labels : {}
}

async function knownEndMs(api: Api): Promise<number | null> {
  const ids = new Set(DEVICES.map(({ tenant, id }) => `${tenant}.${id}`))
  const devices = await api.list('/devices', deviceSchema)
  for (const { id, settings } of devices) {
    const since = sinceOf(settings)
    if (ids.has(id) && typeof since === 'number') return since
  }
  return null
}
