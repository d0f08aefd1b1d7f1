import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesFilter } from '#lib/telemetry/topics.ts'
import { TopicTree } from '../../../../broker/sessions/topic-tree.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const name = fc.constantFrom('a', 'b', 'c', '$x', '')
const topic = fc.array(name, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(
    fc.array(fc.oneof(name, fc.constant('+')), { minLength: 1, maxLength: 5 }),
    fc.constantFrom('', '/#'),
  )
  .map(([levels, end]) => levels.join('/') + end)

describe('a tree of topics', () => {
  it('finds what a filter matches, below a tenant', () => {
    fc.assert(
      fc.property(
        fc.array(topic, { maxLength: 40 }),
        fc.array(topic),
        filter,
        (put, taken, wanted) => {
          const tree = new TopicTree<string>()
          for (const one of put) tree.set(`t/${one}`, one)
          for (const one of taken) tree.delete(`t/${one}`)
          const left = [...new Set(put)].filter((one) => !taken.includes(one))
          const found = [...tree.matching(`t/${wanted}`)].filter((one) => one !== null)
          const expected = left.filter((one) => matchesFilter(wanted, one))
          expect(found.toSorted()).toEqual(expected.toSorted())
        },
      ),
      propertyRuns(500),
    )
  })

  it('looks only at levels that can match', () => {
    const tree = new TopicTree<number>()
    for (let n = 0; n < 10_000; n += 1) tree.set(`t/device/r/${n % 100}/${n}`, n)
    expect([...tree.matching('t/+/r/7/+')]).toHaveLength(100 + 5)
    expect([...tree.matching('t/device/r/7/107')]).toHaveLength(6)
    expect([...tree.matching('t/other/#')].length).toBeLessThan(5)
  })

  it('keeps nothing of what was deleted', () => {
    const tree = new TopicTree<number>()
    tree.set('t/a/b', 1)
    tree.set('t/a', 2)
    tree.delete('t/a/b')
    expect([...tree.below('t/')]).toEqual([2])
    tree.delete('t/a')
    expect([...tree.matching('t/#')].length).toBe(1)
  })
})
