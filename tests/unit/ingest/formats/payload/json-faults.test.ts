import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_DEPTH, findJsonFaults } from '../../../../../ingest/formats/payload/json-faults.ts'
import { propertyRuns } from '../../../../support/random-runs.ts'

describe('faults that JSON.parse hides', () => {
  it('are none in what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('__proto__'))
        expect(findJsonFaults(text)).toEqual([])
      }),
      propertyRuns(1000),
    )
  })

  it('are found with their path, each of them', () => {
    const text = '{"a":[{"b":1,"b":{"c":1,"c":2}}],"a":3}'
    expect(findJsonFaults(text).map(({ path }) => path.join('.'))).toEqual([
      'a.0.b',
      'a.0.b.c',
      'a',
    ])
  })

  it('are not confused by white space and escapes', () => {
    expect(findJsonFaults('{ "a\\"" : "\\\\" , "b" : "a" , "c" : [ "a" , "b" ] }')).toEqual([])
    expect(findJsonFaults('{"\\u0061":1, "a" :2}')).toEqual([{ path: ['a'], fault: 'duplicate' }])
  })

  it('end at nesting beyond the limit', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
    expect(findJsonFaults(nested(MAX_DEPTH))).toEqual([])
    expect(findJsonFaults(nested(MAX_DEPTH + 1))).toMatchObject([{ fault: 'deep' }])
  })
})
