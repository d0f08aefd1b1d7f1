import type { Device } from '#lib/registry/registry.ts'
import { isCarriedBy, maxSubDevices, type WantedSubDevice } from '#lib/registry/sub-devices.ts'
import { ID_PATTERN, fullId, shortIdOf, type FullId } from '#lib/telemetry/ids.ts'
import type { FormatOutput, ParsedElement, RefusedElement } from '../formats/format.ts'
import { keepElements } from './keep-elements.ts'
import type { ParsedMessage } from './parse.ts'

export interface AdmitDeps {
  device(id: FullId): Device | null
  /**
   * Creates what may be created; when it resolves, `device` knows those that are there. Throws when
   * the registry cannot be written: the batch then waits, as it does for the store.
   */
  createSubDevices?(wanted: readonly WantedSubDevice[]): Promise<void>
}

/**
 * Keeps elements of sub-devices that are registered, or can be created; the others become refusals
 * that name the device, to be replayed once it is registered. The batch waits for the registry, so
 * nothing is decided twice: read again after a crash, the same messages find the same devices.
 */
export async function admit(
  messages: readonly ParsedMessage[],
  deps: AdmitDeps,
): Promise<readonly ParsedMessage[]> {
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

function admitted(output: FormatOutput, gateway: Device, deps: AdmitDeps): FormatOutput {
  const refused = [...output.refused]
  const elements = keepElements(output.elements, (element) => {
    const refusal = refusalOf(element, gateway, deps)
    if (refusal) refused.push(refusal)
    return refusal === null
  })
  return { elements, refused }
}

function refusalOf(
  { elementIndex, subDevice }: ParsedElement,
  gateway: Device,
  deps: AdmitDeps,
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
