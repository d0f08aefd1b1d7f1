import { expect, it } from 'vitest'
import { startOfDayMs } from '../../../../../dashboards/portal/src/data/spans.ts'

it.each([
  ['2026-11-24T20:00:00Z', '2026-11-23T23:00:00Z'],
  ['2026-07-01T21:30:00Z', '2026-06-30T22:00:00Z'],
  ['2026-07-01T22:30:00Z', '2026-07-01T22:00:00Z'],
  ['2026-10-25T12:00:00Z', '2026-10-24T22:00:00Z'],
  ['2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z'],
])('the day of %s begins at local midnight, %s', (now, midnight) => {
  expect(startOfDayMs(Date.parse(now))).toBe(Date.parse(midnight))
})
