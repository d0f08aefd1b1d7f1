import { describe, expect, it } from 'vitest'
import { MOST_JSON_LEVELS, nestsTooDeep } from '#lib/telemetry/json-depth.ts'

const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

describe('JSON that nests too deep', () => {
  it('is told at one level more than the most', () => {
    expect(nestsTooDeep(nested(MOST_JSON_LEVELS))).toBe(false)
    expect(nestsTooDeep(nested(MOST_JSON_LEVELS + 1))).toBe(true)
    expect(nestsTooDeep('{"a":'.repeat(MOST_JSON_LEVELS + 1))).toBe(true)
  })

  it('is not what only has many brackets, or brackets in texts', () => {
    expect(nestsTooDeep(`[${'[],'.repeat(5000)}[]]`)).toBe(false)
    expect(nestsTooDeep(JSON.stringify(['['.repeat(5000), '\\"{'.repeat(5000)]))).toBe(false)
  })
})
