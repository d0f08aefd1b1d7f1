import { array, assert, constantFrom, nat, property, tuple, uniqueArray } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RefusedElement } from '../../../../ingest/formats/format.ts'
import {
  FIRST_COVERING_ITEM,
  MAX_REJECTIONS,
  decodeRuns,
  elementsOfEntry,
  encodeRuns,
  entriesOf,
  indicesOfEntry,
} from '../../../../ingest/rejections/rejection-entries.ts'

const REASONS = ['schema', 'kind', 'too_old'] as const

function refused(elementIndex: number, reason: RefusedElement['reason'] = 'schema') {
  return { elementIndex, reason, path: `[${elementIndex}]`, expected: 'a reading', got: '1' }
}

describe('entries of what was refused of a message', () => {
  it('are one for each element as long as there are no more than the limit', () => {
    const elements = Array.from({ length: MAX_REJECTIONS }, (_, at) => refused(at))
    expect(entriesOf(elements).map(({ item, covers }) => [item, covers])).toEqual(
      elements.map(({ elementIndex }) => [elementIndex, null]),
    )
  })

  it('cover all further elements by one entry of each reason', () => {
    const elements = Array.from({ length: 130_000 }, (_, at) =>
      refused(at, at % 2 ? 'kind' : 'schema'),
    )
    const entries = entriesOf(elements)
    expect(entries).toHaveLength(MAX_REJECTIONS)
    expect(entries.slice(-2)).toMatchObject([
      { item: FIRST_COVERING_ITEM, fault: { elementIndex: 98, reason: 'schema' } },
      { item: FIRST_COVERING_ITEM + 1, fault: { elementIndex: 99, reason: 'kind' } },
    ])
    expect(entries.at(-1)?.covers).toHaveLength((130_000 - 98) / 2)
  })

  it('stand for each element once, with its own reason', () => {
    const element = tuple(nat(2000), constantFrom(...REASONS))
    assert(
      property(array(element, { maxLength: 400 }), (given) => {
        const elements = given.map(([index, reason]) => refused(index, reason))
        const entries = entriesOf(elements)
        expect(entries.length).toBeLessThanOrEqual(MAX_REJECTIONS)
        const first = new Map(given.toReversed())
        const all = entries.flatMap(elementsOfEntry)
        expect(new Map(all.map(({ elementIndex, reason }) => [elementIndex, reason]))).toEqual(
          first,
        )
        expect(entries.flatMap(indicesOfEntry)).toHaveLength(first.size)
        expect(new Set(entries.map(({ item }) => item)).size).toBe(entries.length)
      }),
    )
  })
})

describe('runs of indices', () => {
  it('are text that a person can read', () => {
    expect(encodeRuns([3, 4, 5, 9, 11, 12])).toBe('3-5,9,11-12')
  })

  it('come back as they were', () => {
    assert(
      property(uniqueArray(nat(300), { minLength: 1 }), (given) => {
        const indices = given.toSorted((a, b) => a - b)
        expect(decodeRuns(encodeRuns(indices))).toEqual(indices)
      }),
    )
  })
})
