import { describe, expect, it } from 'vitest'
import { da } from '../../../../../dashboards/portal/src/words/da.ts'
import { de } from '../../../../../dashboards/portal/src/words/de.ts'
import { en, type WordName } from '../../../../../dashboards/portal/src/words/en.ts'
import { FINDINGS } from '../../../../../ingest/conformance/catalogue.ts'

describe('the three languages', () => {
  it('have the same placeholders in each sentence', () => {
    const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).toSorted()
    for (const name of Object.keys(en) as WordName[]) {
      const expected = { name, placeholders: placeholders(en[name]) }
      expect({ name, placeholders: placeholders(da[name]) }).toEqual(expected)
      expect({ name, placeholders: placeholders(de[name]) }).toEqual(expected)
    }
  })

  it('have words for every finding', () => {
    for (const code of FINDINGS.flatMap((one) => one.codes)) {
      expect(en, code).toHaveProperty([`finding.${code}`])
    }
  })
})
