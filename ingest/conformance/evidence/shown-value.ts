import { nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import { excerptOf } from '../text.ts'

/** Longer payloads are not parsed for an example. */
const MAX_BYTES = 64 * 1024
const MAX_SHOWN_LENGTH = 80

/** The value at the path of a rejection; the beginning of the payload where that is not found. */
export function shownValue(payload: Uint8Array, path: string): string {
  const value = payload.length <= MAX_BYTES && path !== '' ? valueAt(payload, path) : undefined
  if (value === undefined) return excerptOf(payload)
  const text = JSON.stringify(value)
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}...` : text
}

function valueAt(payload: Uint8Array, path: string): unknown {
  let value = jsonOf(payload)
  for (const [, name, index] of path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)) {
    const key = name ?? index
    if (typeof value !== 'object' || value === null || key === undefined) return undefined
    if (!Object.hasOwn(value, key)) return undefined
    // An own name of an object or array, so it has a value.
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
    // No JSON: the caller shows the beginning of the payload.
    return undefined
  }
}
