import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { visibleText, withVisibleTexts } from '#lib/telemetry/visible-text.ts'

describe('the visible form of a text', () => {
  it('shows control characters and leaves every other text as it is', () => {
    expect(visibleText('238-01\nx\u0000\u007f\u0085\u2028')).toBe(
      String.raw`238-01\u000ax\u0000\u007f\u0085\u2028`,
    )
    for (const text of ['', 'Padborg Ø 5G', String.raw`C:\users\new`, '🚚']) {
      expect(visibleText(text)).toBe(text)
    }
  })

  it('holds no control character, and never makes one text of two', () => {
    const units = ['\n', '\t', '\\', 'u', '0', 'a', '\\u000a', '\\\\', 'x']
    const text = fc.array(fc.constantFrom(...units), { maxLength: 12 }).map((all) => all.join(''))
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(visibleText(one)).not.toMatch(/\p{Cc}/u)
        expect(visibleText(one) === visibleText(other)).toBe(one === other)
      }),
      { numRuns: 5000 },
    )
  })

  it('is that of each text among values; values without one are the same object', () => {
    expect(withVisibleTexts({ operator: 'a\nb', rsrpDbm: -85, on: true })).toEqual({
      operator: String.raw`a\u000ab`,
      rsrpDbm: -85,
      on: true,
    })
    const clean = { operator: '238-01', rsrpDbm: -85 }
    expect(withVisibleTexts(clean)).toBe(clean)
  })
})
