import { describe, expect, it } from 'vitest'
import { parseJson } from '../../../../../ingest/formats/payload/parse-json.ts'

describe('a payload as JSON', () => {
  it('is parsed wherever it lies in its buffer', () => {
    const outer = new TextEncoder().encode('xx{"ø":1}yy')
    const payload = outer.subarray(2, outer.length - 2)
    expect(parseJson(payload)).toEqual({ payload, text: '{"ø":1}', value: { ø: 1 } })
  })
})
