import type { Device } from '#lib/registry/registry.ts'
import { isCarriedBy } from '#lib/registry/sub-devices.ts'
import { fullId, type FullId } from '#lib/telemetry/ids.ts'
import type { FormatInput } from '../formats/format.ts'

export interface GatewayDeps {
  device(id: FullId): Device | null
  /** A stable name that does not reveal the text it was made of. */
  pseudonym?(text: string): string
}

/** What lets a format know the devices behind a gateway. */
export function gatewayInput(
  gateway: Device,
  deps: GatewayDeps,
): Pick<FormatInput, 'carried' | 'pseudonym'> {
  const { tenant } = gateway
  return {
    carried(subDevice, kind) {
      const id = fullId(tenant, subDevice)
      const known = deps.device(id)
      const isThere = known !== null && isCarriedBy(known, gateway)
      if (!isThere && kind === null) return null
      // What is set at the gateway holds for all it carries, before and after they are registered.
      return isThere
        ? { ...known, settings: { ...gateway.settings, ...known.settings } }
        : { ...gateway, id, kind: kind ?? gateway.kind, gateway: false, secretNames: [] }
    },
    pseudonym: (text) => deps.pseudonym?.(`${tenant}:${text}`) ?? null,
  }
}
