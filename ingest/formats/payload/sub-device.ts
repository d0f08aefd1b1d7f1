import type { Device } from '#lib/registry/registry.ts'
import type { FormatInput, FormatOutput } from '../format.ts'

/**
 * The input for a message of a gateway, to be read as one of a device of this kind until the
 * payload names the device; null when the sender is no gateway.
 */
export function asCarried(input: FormatInput, kind: Device['kind']): FormatInput | null {
  const { device, carried } = input
  if (!device.gateway || !carried) return null
  return { ...input, device: { ...device, kind, gateway: false } }
}

/** Names the sub-device in each element. */
export function ofSubDevice({ elements, refused }: FormatOutput, subDevice: string): FormatOutput {
  return {
    elements: elements.map((element) => ({ ...element, subDevice })),
    refused: refused.map((element) => ({ ...element, subDevice })),
  }
}
