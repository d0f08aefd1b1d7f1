import type { Format } from './format.ts'
import { native } from './native.ts'
import { vda5050 } from './vda5050.ts'
import { wmbusmeters } from './wmbusmeters.ts'

/** Every payload convention. A new one is a file beside this and a line here. */
export const FORMATS: Readonly<Record<string, Format>> = {
  native,
  vda5050,
  wmbusmeters,
}

export const FORMAT_NAMES: readonly string[] = Object.keys(FORMATS)

export function formatNamed(name: string): Format | null {
  return Object.hasOwn(FORMATS, name) ? (FORMATS[name] ?? null) : null
}
