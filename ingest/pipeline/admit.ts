import type { Device } from '#lib/registry/registry.ts'
import { isCarriedBy, maxSubDevices, type WantedSubDevice } from '#lib/registry/sub-devices.ts'
import { ID_PATTERN, fullId, shortIdOf, type FullId } from '#lib/telemetry/ids.ts'
import type { ParsedElement, FormatInput, FormatOutput, RefusedElement } from '../formats/format.ts'

export interface SubDeviceDeps {
  device(id: FullId): Device | null
  /**
   * Creates what may be created; when it resolves, `device` knows those that are there. Throws when
   * the registry cannot be written: the batch then waits, as it does for the store.
   */
  createSubDevices?(wanted: readonly WantedSubDevice[]): Promise<void>
  /** A stable name that does not tell the text it was made of. */
  pseudonym?(text: string): string
}

/** What a format is told of the devices behind a gateway. */
export function inputOfGateway(
  gateway: Device,
  deps: SubDeviceDeps,
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

/** A message that a format has read. */
export interface OfSender {
  readonly output: FormatOutput
  readonly format: string
  /** The gateway that sent it; null when its sender speaks of itself. */
  readonly gateway: Device | null
}

/**
 * Elements of devices that are there, or can be created, stay; the others become refusals that name
 * the device, to be replayed once it is registered. The batch waits for the registry, so nothing is
 * decided twice: read again after a crash, the same messages find the same devices.
 */
export async function admitSubDevices<T extends OfSender>(
  messages: readonly T[],
  deps: SubDeviceDeps,
): Promise<readonly T[]> {
  if (messages.every(({ gateway }) => gateway === null)) return messages
  const wanted = new Map<FullId, WantedSubDevice>()
  for (const { output, format, gateway } of messages) {
    if (gateway === null || maxSubDevices(gateway) === 0) continue
    for (const { subDevice, kind } of output.elements) {
      if (subDevice === undefined || !ID_PATTERN.test(subDevice)) continue
      const id = fullId(gateway.tenant, subDevice)
      if (deps.device(id)) continue
      wanted.set(id, { gateway: gateway.id, id: subDevice, kind, format })
    }
  }
  if (wanted.size > 0) await deps.createSubDevices?.([...wanted.values()])
  return messages.map((message) => {
    const { output, gateway } = message
    return gateway === null ? message : { ...message, output: admitted(output, gateway, deps) }
  })
}

function admitted(output: FormatOutput, gateway: Device, deps: SubDeviceDeps): FormatOutput {
  const elements: ParsedElement[] = []
  const refused = [...output.refused]
  for (const element of output.elements) {
    const refusal = refusalOf(element, gateway, deps)
    if (refusal) refused.push(refusal)
    else elements.push(element)
  }
  return { elements, refused }
}

function refusalOf(
  { elementIndex, subDevice }: ParsedElement,
  gateway: Device,
  deps: SubDeviceDeps,
): RefusedElement | null {
  if (subDevice === undefined) {
    const expected = 'readings of its sub-devices: a gateway has none of its own'
    return { elementIndex, reason: 'kind', path: '', expected, got: 'a reading that names none' }
  }
  const reason = 'unknown_device'
  const got = subDevice.slice(0, 64)
  if (!ID_PATTERN.test(subDevice)) {
    const expected = 'a sub-device named by 1 to 63 letters, digits, _ and -'
    return { elementIndex, reason, path: '', expected, got, subDevice: got }
  }
  const known = deps.device(fullId(gateway.tenant, subDevice))
  if (known && isCarriedBy(known, gateway)) return null
  const expected = known
    ? `a device whose setting gateway is ${shortIdOf(gateway.id)}`
    : `a registered device with the setting gateway ${shortIdOf(gateway.id)}; the setting ` +
      'createSubDevices of the gateway has them created'
  return { elementIndex, reason, path: '', expected, got, subDevice }
}
