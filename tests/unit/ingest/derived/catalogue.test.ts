import { describe, expect, it } from 'vitest'
import { SERIES } from '../../../../ingest/derived/catalogue.ts'

describe('the list of series', () => {
  it('names each measurement once, each with points', () => {
    const names = SERIES.map(({ measurement }) => measurement)
    expect(new Set(names).size).toBe(names.length)
    expect(SERIES.filter(({ sample, recompute }) => !sample && !recompute)).toEqual([])
  })
})
