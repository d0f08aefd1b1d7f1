import { messageOf } from '#lib/runtime/errors.ts'
import { ensure, inParallel, signInOf, type NewDevice, type SignIn } from '../run/registrar.ts'
import type { Api } from '../run/api.ts'

/** Devices that exist for one run. */
export interface Registered {
  readonly signIns: readonly SignIn[]
  /** Takes the devices away again; what they have sent stays. */
  remove(): Promise<void>
}

/** Enough to keep the API busy, few enough to leave it room for others. */
const AT_ONCE = 8

/** Creates tenant and devices with credentials; takes back what it made when it cannot go on. */
export async function registerAll(
  api: Api,
  devices: readonly NewDevice[],
  tell: (line: string) => void,
): Promise<Registered> {
  const made: string[] = []
  const remove = async () => {
    await inParallel(made.splice(0), AT_ONCE, (device) => api.ask('DELETE', `/devices/${device}`))
  }
  try {
    for (const tenant of new Set(devices.map((device) => device.tenant))) {
      await ensure(api, '/tenants', { id: tenant, name: `${tenant} (simulated)` })
    }
    const signIns = await inParallel(devices, AT_ONCE, async (device) => {
      const settings = { ...device.settings, simulated: true }
      await ensure(api, '/devices', { ...device, settings })
      const full = `${device.tenant}.${device.id}`
      made.push(full)
      return await signInOf(api, full)
    })
    return { signIns, remove }
  } catch (error) {
    tell(`Registering failed (${messageOf(error)}); removing what was created.`)
    await remove()
    throw error
  }
}
