import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { da } from '../../../../../dashboards/portal/src/words/da.ts'
import { de } from '../../../../../dashboards/portal/src/words/de.ts'

const FOLDER = '../../../../../dashboards/portal/src/words'
const GLOSSARY = readFileSync(new URL(`${FOLDER}/GLOSSARY.md`, import.meta.url), 'utf8')

/** Words of the last column; in quotes: only as a text of its own. */
const WRONG = GLOSSARY.split('\n')
  .filter((line) => /^\| [a-zåæø]/i.test(line) && !line.includes('| not |'))
  .flatMap((line) => line.split('|').at(-2)?.split(',') ?? [])
  .map((word) => word.trim())

describe('the texts of the portal in Danish and German', () => {
  it('use none of the words that the glossary calls wrong', () => {
    expect(WRONG.length).toBeGreaterThan(15)
    const texts = Object.values({ ...da, ...Object.fromEntries(prefixed(de)) })
    const found = WRONG.flatMap((word) => {
      const whole = /^'(.*)'$/.exec(word)?.[1]
      return texts.filter((text) => (whole ? text === whole : text.includes(word)))
    })
    expect(found).toEqual([])
  })
})

/** Both languages have the same keys. */
function prefixed(words: Readonly<Record<string, string>>) {
  return Object.entries(words).map(([key, text]) => [`de ${key}`, text] as const)
}
