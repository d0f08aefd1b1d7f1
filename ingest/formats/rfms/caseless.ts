import type { Values } from '../payload/problem.ts'

/** Values by name in any case: 2.x writes `HRTotalVehicleDistance`, later versions `hrTotal...`. */
export interface Caseless {
  /** The value, and the name as it is written (as requested where there is none). */
  get(name: string): { readonly value: unknown; readonly name: string }
}

export function caseless(values: Values): Caseless {
  const names = new Map<string, string>()
  for (const name of Object.keys(values)) {
    const lower = name.toLowerCase()
    if (!names.has(lower)) names.set(lower, name)
  }
  return {
    get(name) {
      const written = names.get(name.toLowerCase())
      if (written === undefined) return { value: undefined, name }
      return { value: values[written], name: written }
    },
  }
}
