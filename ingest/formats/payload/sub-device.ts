import type { Device } from '#lib/registry/registry.ts'
import type { ParsedElement, FormatInput, FormatOutput, RefusedElement } from '../format.ts'

/**
 * A message of a gateway, to be read as one of a device of this kind until it has told which it is;
 * null when its sender speaks of itself.
 */
export function asCarried(input: FormatInput, kind: Device['kind']): FormatInput | null {
  const { device, carried } = input
  if (!device.gateway || !carried) return null
  return { ...input, device: { ...device, kind, gateway: false } }
}

/** Says of each element which sub-device it is about. */
export function ofSubDevice({ elements, refused }: FormatOutput, subDevice: string): FormatOutput {
  return {
    elements: elements.map((draft) => ({ ...draft, subDevice })),
    refused: refused.map((elementIndex) => ({ ...elementIndex, subDevice })),
  }
}

/** The same of one element. */
export function elementOf<T extends ParsedElement | RefusedElement>(
  element: T,
  subDevice: string,
): T {
  return { ...element, subDevice }
}
