import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hiddenFaults } from '../../ingest/formats/payload/hidden-faults.ts'
import {
  findJsonFaults,
  MAX_DEPTH,
  type JsonFault,
} from '../../ingest/formats/payload/json-faults.ts'
import { propertyRuns } from '../support/random-runs.ts'

/*
 * JSON texts are rendered from trees that may hold a name twice, so the faults are known without
 * reading the text: the scanner must find the same ones, and the guard must find what it finds.
 */

/** A text and whether each of its characters is written as `\uXXXX`. */
type Text = readonly [text: string, escaped: boolean]

type Tree =
  | { readonly scalar: null | boolean | number }
  | { readonly text: Text }
  | { readonly elements: readonly Tree[] }
  | { readonly members: readonly (readonly [name: Text, value: Tree])[] }

const names = fc.constantFrom('a', 'b', ':', 'a:b', '__proto__', '"', '\\', 'ts', '\u00e6')
const texts = fc.oneof(names, fc.string({ maxLength: 12, unit: 'grapheme' }))
const textOf = (text: fc.Arbitrary<string>): fc.Arbitrary<Text> => fc.tuple(text, fc.boolean())

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.record({ scalar: fc.oneof(fc.constant(null), fc.boolean(), fc.integer()) }),
    fc.record({ text: textOf(texts) }),
    fc.record({ elements: fc.array(tie('tree'), { maxLength: 4 }) }),
    fc.record({ members: fc.array(fc.tuple(textOf(names), tie('tree')), { maxLength: 5 }) }),
  ),
}))

function rendered([text, escaped]: Text): string {
  if (!escaped) return JSON.stringify(text)
  const units = Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`
}

function jsonOf(value: Tree): string {
  if ('scalar' in value) return JSON.stringify(value.scalar)
  if ('text' in value) return rendered(value.text)
  if ('elements' in value) return `[ ${value.elements.map(jsonOf).join(',')}]`
  const members = value.members.map(([name, inner]) => `${rendered(name)} :${jsonOf(inner)}`)
  return `{${members.join(' , ')}}`
}

/** The faults in the order of the text. */
function faultsOf(value: Tree, path: JsonFault['path']): JsonFault[] {
  if ('elements' in value) {
    return value.elements.flatMap((inner, at) => faultsOf(inner, [...path, at]))
  }
  if (!('members' in value)) return []
  const seen = new Set<string>()
  return value.members.flatMap(([[name], inner]) => {
    const own: JsonFault[] = []
    if (seen.has(name)) own.push({ path: [...path, name], fault: 'duplicate' })
    if (name === '__proto__') own.push({ path: [...path, name], fault: 'prototype' })
    seen.add(name)
    return [...own, ...faultsOf(inner, [...path, name])]
  })
}

function guarded(text: string): readonly JsonFault[] {
  const payload = Buffer.from(text)
  return hiddenFaults({ payload, text: payload.toString(), value: JSON.parse(payload.toString()) })
}

describe('names that JSON.parse hides', () => {
  it('are found by the scanner exactly where the tree has them', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(findJsonFaults(jsonOf(value))).toEqual(faultsOf(value, []))
      }),
      propertyRuns(2000),
    )
  })

  it('are found by the guard whenever the scanner finds them', () => {
    fc.assert(
      fc.property(tree, (value) => {
        const text = jsonOf(value)
        expect(guarded(text)).toEqual(findJsonFaults(text))
      }),
      propertyRuns(4000),
    )
  })

  it('are found under any nesting, which itself is a fault beyond the limit', () => {
    fc.assert(
      fc.property(tree, fc.integer({ min: 0, max: MAX_DEPTH + 3 }), (value, levels) => {
        const text = `${'['.repeat(levels)}${jsonOf(value)}${']'.repeat(levels)}`
        const faults = findJsonFaults(text)
        expect(guarded(text)).toEqual(faults)
        expect(faults.at(-1)?.fault === 'deep').toBe(levels + depthOf(value) > MAX_DEPTH)
      }),
      propertyRuns(1000),
    )
  })
})

function depthOf(value: Tree): number {
  if ('elements' in value) return 1 + Math.max(0, ...value.elements.map(depthOf))
  if (!('members' in value)) return 0
  return 1 + Math.max(0, ...value.members.map(([, inner]) => depthOf(inner)))
}
