import { messageOf } from '#lib/runtime/errors.ts'
import { ensure, inParallel, signInOf, type NewDevice, type SignIn } from '../run/registrar.ts'
import type { Api } from '../run/api.ts'

/** Devices that exist for one run. */
export interface Registered {
  readonly signIns: readonly SignIn[]
  /** Deletes the devices; their readings are kept. */
  remove(): Promise<void>
}

/** Enough to use the API well, few enough to leave room for other clients. */
const AT_ONCE = 8

/** Creates tenant and devices with credentials; deletes them again when it fails. */
export async function registerAll(
  api: Api,
  devices: readonly NewDevice[],
  print: (line: string) => void,
): Promise<Registered> {
  const made: string[] = []
  const remove = async () => {
    await inParallel(made.splice(0), AT_ONCE, (device) =>
      api.request('DELETE', `/devices/${device}`),
    )
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
    print(`Registering failed (${messageOf(error)}); removing what was created.`)
    await remove()
    throw error
  }
}
