import { nestsTooDeep } from '../json-depth.ts'

/** What is wrong with a request, in the fields of a message on the topic `errors`. */
export interface RequestFault {
  readonly path: string
  readonly expected: string
  readonly got: string
}

/** The text of a payload; null when it is not UTF-8. */
export function textOf(payload: Uint8Array): string | null {
  try {
    return strict.decode(payload)
  } catch {
    // Not UTF-8: the caller reports it, or echoes it as base64.
    return null
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The fields of a JSON object; null when the text is not one. */
export function fieldsOf(text: string): Readonly<Record<string, unknown>> | null {
  if (nestsTooDeep(text)) return null
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : null
  } catch {
    // Not JSON: the caller reports what was expected.
    return null
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function typeNameOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
