import type { Platform } from '../../tests/support/platform.ts'

export interface Account {
  readonly username: string
  readonly password: string
}

/** What one account of a tenant has to go to a limit and beyond with. */
export interface Place {
  readonly mqttPort: number
  readonly httpPort: number
  readonly tenant: string
  /** Devices of the tenant; the first may publish on any channel below `ch/`. */
  readonly devices: readonly Account[]
  readonly application: Account
  readonly operatorKey: string
  readonly viewerKey: string
}

/** Devices of the tenant that goes beyond its limits. */
const DEVICES = 8

/** Registers a tenant with all that an account may have. */
export async function registerPlace(platform: Platform, tenant: string): Promise<Place> {
  const { api, ready } = platform
  await created(api('/tenants', { body: { id: tenant, name: tenant } }))
  const devices: Account[] = []
  for (let n = 0; n < DEVICES; n += 1) {
    const id = `d${n}`
    const topics = n === 0 ? { topics: [`${tenant}/ch/#`] } : {}
    await created(api('/devices', { body: { id, tenant, kind: 'truck', ...topics } }))
    devices.push(await created(api(`/devices/${tenant}.${id}/credentials`, { body: {} })))
  }
  const keyOf = async (role: string): Promise<string> =>
    (await created(api('/keys', { body: { role, tenant, name: role } }))).key
  return {
    mqttPort: ready.mqtt,
    httpPort: ready.http,
    tenant,
    devices,
    application: { username: tenant, password: await keyOf('application') },
    operatorKey: await keyOf('tenant-operator'),
    viewerKey: await keyOf('tenant-viewer'),
  }
}

async function created(answer: ReturnType<Platform['api']>) {
  const { status, body } = await answer
  if (status !== 201) throw new Error(`expected 201, got ${status}: ${JSON.stringify(body)}`)
  return body
}

export function deviceTopic({ tenant, devices }: Place, n: number, channel: string): string {
  const full = devices[n % devices.length]?.username ?? ''
  return `padborg/v1/${tenant}/${full.slice(tenant.length + 1)}/${channel}`
}
