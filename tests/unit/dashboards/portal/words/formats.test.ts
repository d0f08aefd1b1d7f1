import { describe, expect, it } from 'vitest'
import { createLanguage } from '../../../../../dashboards/portal/src/words/language.ts'

describe('figures as text', () => {
  const { formats } = createLanguage('en')

  it('have about three significant digits, and a dash where there is no value', () => {
    expect([1234.5, 99.96, 1.234, 0.1234, 0].map(formats.number)).toEqual([
      '1,235',
      '100.0',
      '1.23',
      '0.123',
      '0',
    ])
    expect([null, undefined, Number.NaN].map(formats.number)).toEqual(['–', '–', '–'])
  })

  it('show 99.96 % as less than all, and three in a million as more than none', () => {
    expect([1, 0.9996, 0.5, 0.001, 0].map(formats.percent)).toEqual([
      '100 %',
      '99.96 %',
      '50.0 %',
      '0.10 %',
      '0 %',
    ])
  })

  it('give a duration in the largest unit that leaves two digits', () => {
    const MINUTE = 60_000
    expect([90_000, 90 * MINUTE, 30 * 60 * MINUTE, 72 * 60 * MINUTE].map(formats.age)).toEqual([
      '90 s',
      '90 min',
      '30 h',
      '3 d',
    ])
  })

  it('follow the language, and the time zone of the testbed', () => {
    const danish = createLanguage('da').formats
    expect(danish.number(1234.5)).toBe('1.235')
    expect(danish.clock('2026-07-01T10:00:00Z')).toContain('12.00.00')
  })
})
