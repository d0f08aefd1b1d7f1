import { expect, it } from 'vitest'
import { messagesPerMinute } from '../../../../../../dashboards/portal/src/homes/testbed/messages-per-minute.ts'

it('a minute without messages is a gap, and a minute that has not ended is left out', () => {
  const endS = Date.parse('2026-11-24T12:00:00Z') / 1000
  const row = (time: string, messagesPerS: number) => ({ time, messagesPerS })
  const { times, values } = messagesPerMinute(
    [row('2026-11-24T11:58:00Z', 3), row('2026-11-24T12:00:00Z', 9)],
    endS,
  )
  expect(times).toHaveLength(120)
  expect(times.at(-1)).toBe(endS - 60)
  expect(values.slice(-3)).toEqual([null, 3, null])
})
