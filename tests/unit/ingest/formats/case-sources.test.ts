import { describe, expect, it } from 'vitest'
import { FORMAT_NAMES } from '../../../../ingest/formats/catalogue.ts'
import { casesOf } from '../../../support/format-cases.ts'

/** Formats that others have defined: the expected values must not come from our own code. */
const FOREIGN = FORMAT_NAMES.filter((name) => name !== 'native')

describe.each(FOREIGN)('the cases of %s', (format) => {
  it.each(casesOf(format))('$name names its source and how it was computed', ({ expected }) => {
    expect(expected).toMatchObject({
      source: expect.stringMatching(/.{6}/),
      computed: expect.stringMatching(/.{6}/),
    })
  })
})
