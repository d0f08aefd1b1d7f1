import type { RefusedElement } from '../format.ts'
import { hiddenFaults } from './hidden-faults.ts'
import { MAX_DEPTH, type JsonFault } from './json-faults.ts'
import type { Json } from './parse-json.ts'
import { refusal } from './refusal.ts'

const TEXTS: Readonly<Record<JsonFault['fault'], { expected: string; got: string }>> = {
  duplicate: { expected: 'each name once', got: 'the same name twice' },
  prototype: { expected: 'names of fields', got: '__proto__' },
  deep: { expected: `at most ${MAX_DEPTH} levels`, got: 'more levels' },
}

const MAX_SHOWN_LEVELS = 4

/** The refusal of an array's element (-1: of the whole message) for a fault, by its path within. */
export function faultRefusal(
  elementIndex: number,
  fault: JsonFault['fault'],
  path: JsonFault['path'],
): RefusedElement {
  const shown = path.slice(0, MAX_SHOWN_LEVELS)
  return refusal(elementIndex, 'malformed', { path: shown, ...TEXTS[fault] })
}

/** The refusal of the whole message for the first fault that `JSON.parse` has hidden, if any. */
export function hiddenFault(json: Json): RefusedElement | null {
  const [first] = hiddenFaults(json)
  return first ? faultRefusal(-1, first.fault, first.path) : null
}
