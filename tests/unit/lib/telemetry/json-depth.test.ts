import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_JSON_LEVELS, nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

/** Levels of objects and arrays in a parsed value. */
function levelsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf))
}

describe('JSON that nests too deep', () => {
  it('has at least one level above the limit', () => {
    expect(nestsTooDeep(nested(MAX_JSON_LEVELS))).toBe(false)
    expect(nestsTooDeep(nested(MAX_JSON_LEVELS + 1))).toBe(true)
    expect(nestsTooDeep('{"a":'.repeat(MAX_JSON_LEVELS + 1))).toBe(true)
  })

  it('does not include many brackets side by side, or brackets in texts', () => {
    expect(nestsTooDeep(`[${'[],'.repeat(5000)}[]]`)).toBe(false)
    expect(nestsTooDeep(JSON.stringify(['['.repeat(5000), '\\"{'.repeat(5000)]))).toBe(false)
  })

  it('is recognised in the text exactly as in the parsed value', () => {
    const texts = fc.string({ unit: fc.constantFrom('[', '{', ']', '}', '"', '\\', 'a', ',') })
    const json = fc.oneof(fc.jsonValue({ maxDepth: 6 }), fc.array(fc.array(texts)))
    fc.assert(
      fc.property(json, fc.integer({ min: 0, max: 8 }), (value, limit) => {
        expect(nestsTooDeep(JSON.stringify(value), limit)).toBe(levelsOf(value) > limit)
      }),
      propertyRuns(2000),
    )
  })
})
