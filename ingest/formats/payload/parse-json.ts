import { isUtf8 } from 'node:buffer'
import { MAX_JSON_LEVELS, nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import type { RefusedElement } from '../format.ts'
import { refusal } from './refusal.ts'

/** A payload that is JSON. */
export interface Json {
  readonly payload: Uint8Array
  readonly text: string
  readonly value: unknown
}

/** A payload as JSON, or the reason why it is none, with the position: never an exception. */
export function parseJson(payload: Uint8Array): Json | RefusedElement {
  if (payload.length === 0) return malformed('an empty payload')
  const text = textOf(payload)
  // Only text that holds the replacement character can have come from bytes that are not UTF-8.
  if (text.includes('\uFFFD') && !isUtf8(payload)) return malformed('bytes that are not UTF-8')
  if (text.startsWith('\uFEFF')) return malformed('a byte order mark before the JSON')
  if (nestsTooDeep(text)) return malformed(`more than ${MAX_JSON_LEVELS} levels`)
  try {
    return { payload, text, value: JSON.parse(text) }
  } catch (error) {
    if (error instanceof SyntaxError) return malformed(positionOf(error, text))
    throw error
  }
}

function textOf(payload: Uint8Array): string {
  return Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')
}

function malformed(got: string): RefusedElement {
  return refusal(-1, 'malformed', { path: [], expected: 'JSON in UTF-8', got })
}

const MAX_SHOWN_LENGTH = 120

/** V8 names the position, or quotes the text around it; of an end that comes too early neither. */
function positionOf({ message }: SyntaxError, text: string): string {
  if (message.startsWith('Unexpected end')) return `${message} after ${text.length} characters`
  return message.length > MAX_SHOWN_LENGTH ? `${message.slice(0, MAX_SHOWN_LENGTH)}...` : message
}
