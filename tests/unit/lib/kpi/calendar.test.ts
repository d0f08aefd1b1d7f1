import { describe, expect, it } from 'vitest'
import { calendarBuckets, parseEvery, type CalendarBucket } from '#lib/kpi/calendar.ts'

const ZONE = 'Europe/Copenhagen'
const HOUR_NS = 3_600_000_000_000n

const ns = (text: string) => Temporal.Instant.from(text).epochNanoseconds
const localNs = (text: string) => Temporal.ZonedDateTime.from(`${text}[${ZONE}]`).epochNanoseconds

function bucketsOf(from: bigint, to: bigint, every: string, zone = ZONE): CalendarBucket[] {
  const parsed = parseEvery(every)
  if (!('unit' in parsed)) throw new Error(`expected a duration, got ${parsed.got}`)
  const buckets = calendarBuckets({ fromNs: from, toNs: to }, parsed, zone)
  if ('got' in buckets) throw new Error(buckets.got)
  return [...buckets]
}

const hoursOf = ({ fromNs, toNs }: CalendarBucket) => Number((toNs - fromNs) / HOUR_NS)

describe('every', () => {
  it.each([
    ['PT15M', { unit: 'ns', lengthNs: HOUR_NS / 4n }],
    ['1h', { unit: 'ns', lengthNs: HOUR_NS }],
    ['PT24H', { unit: 'ns', lengthNs: 24n * HOUR_NS }],
    ['P1D', { unit: 'days', count: 1 }],
    ['1d', { unit: 'days', count: 1 }],
    ['2w', { unit: 'weeks', count: 2 }],
    ['P3M', { unit: 'months', count: 3 }],
    ['P1Y', { unit: 'years', count: 1 }],
  ])('%s is understood', (text, expected) => {
    expect(parseEvery(text)).toEqual(expected)
  })

  it.each(['', 'P0D', '1x', 'P', '-P1D', 'P1.5D', '0h'])('%j is refused with a reason', (text) => {
    expect(parseEvery(text)).toHaveProperty('expected')
  })
})

describe('buckets of the local calendar', () => {
  it('have days of 23 and 25 hours in Copenhagen', () => {
    const march = bucketsOf(localNs('2026-03-28T00:00'), localNs('2026-03-31T00:00'), 'P1D')
    expect(march.map(hoursOf)).toEqual([24, 23, 24])
    const october = bucketsOf(localNs('2026-10-24T00:00'), localNs('2026-10-27T00:00'), 'P1D')
    expect(october.map(hoursOf)).toEqual([24, 25, 24])
  })

  it('have months of their own length, February of a leap year too', () => {
    const year = bucketsOf(localNs('2028-01-01T00:00'), localNs('2029-01-01T00:00'), 'P1M')
    expect(year.map(hoursOf)).toEqual([744, 696, 743, 720, 744, 720, 744, 744, 720, 745, 720, 744])
  })

  it('have years of 8760 and 8784 hours', () => {
    const years = bucketsOf(localNs('2026-01-01T00:00'), localNs('2030-01-01T00:00'), 'P1Y')
    expect(years.map(hoursOf)).toEqual([8760, 8760, 8784, 8760])
  })

  it('begin weeks on Monday, and groups of units at a fixed place', () => {
    const [week] = bucketsOf(localNs('2026-11-24T12:00'), localNs('2026-11-25T00:00'), 'P1W')
    expect(week?.startNs).toBe(localNs('2026-11-23T00:00'))
    const quarters = bucketsOf(localNs('2026-02-10T00:00'), localNs('2026-11-01T00:00'), 'P3M')
    expect(quarters.map(({ startNs }) => startNs)).toEqual(
      ['01', '04', '07', '10'].map((month) => localNs(`2026-${month}-01T00:00`)),
    )
  })

  it('are cut to the span, and keep the start of the whole one', () => {
    const [from, to] = [ns('2026-06-01T10:30:00Z'), ns('2026-06-01T12:15:00Z')]
    expect(bucketsOf(from, to, '1h')).toEqual([
      { startNs: ns('2026-06-01T10:00:00Z'), fromNs: from, toNs: ns('2026-06-01T11:00:00Z') },
      {
        startNs: ns('2026-06-01T11:00:00Z'),
        fromNs: ns('2026-06-01T11:00:00Z'),
        toNs: ns('2026-06-01T12:00:00Z'),
      },
      { startNs: ns('2026-06-01T12:00:00Z'), fromNs: ns('2026-06-01T12:00:00Z'), toNs: to },
    ])
  })

  it('begin a day where a zone has no midnight', () => {
    // In Sao Paulo the clock went from 23:59 to 01:00 on 4 November 2018.
    const [from, to] = [ns('2018-11-04T00:00:00Z'), ns('2018-11-06T00:00:00Z')]
    const days = bucketsOf(from, to, 'P1D', 'America/Sao_Paulo')
    expect(days[1]?.startNs).toBe(ns('2018-11-04T03:00:00Z'))
    expect(days[2]?.startNs).toBe(ns('2018-11-05T02:00:00Z'))
  })

  it('are none of an empty span, and refused when they are too many', () => {
    expect(bucketsOf(5n, 5n, '1h')).toEqual([])
    const span = { fromNs: 0n, toNs: ns('2026-01-01T00:00:00Z') }
    expect(calendarBuckets(span, { unit: 'ns', lengthNs: 1n }, ZONE)).toHaveProperty('expected')
  })
})
