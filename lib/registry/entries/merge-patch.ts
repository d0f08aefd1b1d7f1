import { isObject } from './checks.ts'

type Document = Readonly<Record<string, unknown>>

/**
 * RFC 7396: names of the patch replace those of the document, objects are merged, null removes. Patches
 * come from parsed JSON, whose depth the API limits.
 */
export function mergePatch(document: Document, patch: Document): Document {
  const merged = new Map(Object.entries(document))
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name)
    else if (isObject(value)) {
      const inner = merged.get(name)
      merged.set(name, mergePatch(isObject(inner) ? inner : {}, value))
    } else merged.set(name, value)
  }
  // An own property, whatever its name.
  return Object.fromEntries(merged)
}
