import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  filterCovers,
  filterProblem,
  filtersOverlap,
  isTopic,
} from '#lib/registry/topics/topic-filters.ts'
import { createTopicIndex } from '#lib/registry/topics/topic-index.ts'
import { matchesFilter } from '#lib/telemetry/topics.ts'
import { propertyRuns } from '../support/random-runs.ts'

/**
 * The algebra of filters against brute force: every topic of up to four levels over an alphabet that
 * holds one name the filters never use, an empty level and a level of the broker. The empty topic is
 * among them although nobody may use it: the rules are the same for it, and plainer that way.
 */
const RUNS = propertyRuns(600)

const TOPICS = topicsOf(['a', 'b', 'z', '', '$s'], 4)

function topicsOf(alphabet: readonly string[], depth: number): string[] {
  if (depth === 1) return [...alphabet]
  const shorter = topicsOf(alphabet, depth - 1)
  const longest = shorter.filter((topic) => topic.split('/').length === depth - 1)
  return [...shorter, ...longest.flatMap((topic) => alphabet.map((level) => `${topic}/${level}`))]
}

/** A filter as a regular expression, with the rule of `$` beside it: nothing of our own code. */
function expressionOf(filter: string): (topic: string) => boolean {
  const source = filter
    .split('/')
    .map((level) => (level === '+' ? '[^/]*' : level.replace('$', String.raw`\$`)))
    .join('/')
    .replace(/(^|\/)#$/, (_, slash: string) => (slash === '' ? '.*' : '(/.*)?'))
  const expression = new RegExp(`^${source}$`)
  const leads = /^[+#]/.test(filter)
  return (topic) => !(leads && topic.startsWith('$')) && expression.test(topic)
}

/** The index is never asked for topics of the broker. */
const ASKED = TOPICS.filter((topic) => !topic.startsWith('$'))
const matched = (filter: string) => TOPICS.filter(expressionOf(filter))

function filterOf(names: readonly string[]) {
  const level = fc.constantFrom(...names, '+', '+')
  return fc
    .tuple(fc.array(level, { maxLength: 3 }), fc.boolean())
    .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'))
    .filter((filter) => filter !== '')
}
const anyFilter = filterOf(['a', 'a', 'b', '', '$s'])
/** Nobody can register what reaches into the native tree, so the index never holds `+/#`. */
const ownFilter = filterOf(['a', 'a', 'b', '']).filter((filter) => !/^(\+\/)?#$/.test(filter))

describe('topic filters', () => {
  it('match as the standard defines', () => {
    fc.assert(
      fc.property(anyFilter, (filter) => {
        expect(TOPICS.filter((topic) => matchesFilter(filter, topic))).toEqual(matched(filter))
      }),
      RUNS,
    )
  })

  it('cover another exactly when they match all of its topics', () => {
    fc.assert(
      fc.property(anyFilter, anyFilter, (outer, inner) => {
        const isIn = expressionOf(outer)
        expect(filterCovers(outer, inner)).toBe(matched(inner).every(isIn))
        expect(filterCovers(inner, inner)).toBe(true)
      }),
      RUNS,
    )
  })

  it('overlap exactly when they share a topic', () => {
    fc.assert(
      fc.property(anyFilter, anyFilter, (one, other) => {
        const isIn = expressionOf(one)
        expect(filtersOverlap(one, other)).toBe(matched(other).some(isIn))
        expect(filtersOverlap(other, one)).toBe(filtersOverlap(one, other))
      }),
      RUNS,
    )
  })

  it('are valid exactly when wildcards fill a level and # is the last one', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '+', '#', '/', '$'), maxLength: 8 })
    const isValid = /^(?:(?:\+|[^+#/]*)\/)*(?:\+|#|[^+#/]*)$/
    fc.assert(
      fc.property(text, (filter) => {
        expect(filterProblem(filter) === null).toBe(filter !== '' && isValid.test(filter))
        expect(isTopic(filter)).toBe(filter !== '' && !/[+#]/.test(filter))
      }),
      RUNS,
    )
  })
})

describe('the topic index', () => {
  const owned = fc.array(fc.tuple(ownFilter, fc.constantFrom('one', 'two')), { maxLength: 6 })
  const asked = fc.array(filterOf(['a', 'a', 'b', '']), { minLength: 1, maxLength: 6 })

  it('matches like a list of the filters, also after removals', () => {
    fc.assert(
      fc.property(owned, asked, fc.nat(5), (pairs, questions, removed) => {
        const index = createTopicIndex<string>()
        let entries = new Map<string, string>()
        for (const [filter, owner] of pairs) {
          const isTaken = [...entries].some(([f, o]) => o !== owner && filtersOverlap(f, filter))
          if (isTaken) continue
          entries.set(filter, owner)
          index.add(filter, owner)
        }
        const gone = [...entries.keys()].slice(0, removed)
        for (const filter of gone) index.remove(filter)
        entries = new Map([...entries].filter(([filter]) => !gone.includes(filter)))
        const ownerOf = (topic: string) =>
          [...entries].find(([filter]) => matchesFilter(filter, topic))?.[1] ?? null
        expect(ASKED.filter((topic) => index.ownerOf(topic) !== ownerOf(topic))).toEqual([])
        for (const filter of questions) {
          const touching = [...entries.keys()].filter((one) => filtersOverlap(one, filter))
          const overlap = index.overlapping(filter)
          expect(overlap === null).toBe(touching.length === 0)
          expect([null, ...touching]).toContain(overlap?.filter ?? null)
          const covering = [...entries.keys()].some((one) => filterCovers(one, filter))
          expect(index.covers(filter)).toBe(covering)
        }
      }),
      propertyRuns(200),
    )
  })
})
