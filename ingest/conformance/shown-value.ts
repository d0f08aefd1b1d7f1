import { nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import { excerptOf } from './wording.ts'

/** Longer payloads are not taken apart for an example. */
const MAX_BYTES = 64 * 1024
const SHOWN = 80

/** What stands in a payload at the path of a rejection; its beginning where that is not found. */
export function shownValue(payload: Uint8Array, path: string): string {
  const value = payload.length <= MAX_BYTES && path !== '' ? valueAt(payload, path) : undefined
  if (value === undefined) return excerptOf(payload)
  const text = JSON.stringify(value)
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
}

function valueAt(payload: Uint8Array, path: string): unknown {
  let value = jsonOf(payload)
  for (const [, name, item] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const key = name ?? item
    if (typeof value !== 'object' || value === null || key === undefined) return undefined
    if (!Object.hasOwn(value, key)) return undefined
    // An own name of an object or array, so there is a value.
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  return value
}

function jsonOf(payload: Uint8Array): unknown {
  const text = Buffer.from(payload).toString()
  if (nestsTooDeep(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    // No JSON: the caller shows how the payload begins.
    return undefined
  }
}
