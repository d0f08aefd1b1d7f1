import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDeviceTime, parseDuration, plausibleTime } from '#lib/telemetry/time.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const NS = 1_764_000_000_123_000_000n

describe('device time', () => {
  it.each([
    ['seconds', 1_764_000_000, 1_764_000_000_000_000_000n],
    ['seconds with a fraction', 1_764_000_000.123, NS],
    ['milliseconds', 1_764_000_000_123, NS],
    ['milliseconds with a fraction', 1_764_000_000_123.456, NS + 456_000n],
    ['microseconds', 1_764_000_000_123_456, NS + 456_000n],
    ['nanoseconds as a string', '1764000000123456789', NS + 456_789n],
    ['milliseconds as a string', '1764000000123', NS],
    ['seconds as a string with nine digits', '1764000000.123456789', NS + 456_789n],
    ['ISO 8601 without a fraction', '2025-11-24T16:00:00Z', 1_764_000_000_000_000_000n],
    ['ISO 8601 with three digits', '2025-11-24T16:00:00.123Z', NS],
    ['ISO 8601 with nine digits', '2025-11-24T16:00:00.123456789Z', NS + 456_789n],
    ['ISO 8601 with an offset', '2025-11-24T17:00:00.123+01:00', NS],
    ['ISO 8601 with a blank and a comma', '2025-11-24 16:00:00,123Z', NS],
    ['a leap second, as the second before', '2016-12-31T23:59:60Z', 1_483_228_799_000_000_000n],
    ['an unset clock', 0, 0n],
    ['before 1970', -1.5, -1_500_000_000n],
    ['a very small fraction', 1e-7, 100n],
  ])('reads %s exactly', (_name, value, expected) => {
    expect(parseDeviceTime(value)).toBe(expected)
  })

  it.each([
    ['nanoseconds as a number', 1_764_000_000_123_456_800, 'in ns as a string', '17640000001'],
    ['no zone', '2025-11-24T16:00:00', 'ISO 8601 with a zone', '"2025-11-24T16:00:00"'],
    ['ten fractional digits', '2025-11-24T16:00:00.1234567890Z', 'ISO 8601', '"2025'],
    ['a day that does not exist', '2025-02-30T16:00:00Z', 'that exist', '"2025-02-30'],
    ['an hour that does not exist', '2025-11-24T25:00:00Z', 'that exist', '"2025'],
    ['a date alone', '2025-11-24', 'ISO 8601 with a zone', '"2025-11-24"'],
    ['an empty text', '', 'ISO 8601', '""'],
    ['digits without end', '1'.repeat(100_000), 'Unix time', '"1111'],
    ['a number too large for a double', Infinity, 'in ns as a string', 'Infinity'],
    ['no number', Number.NaN, 'in ns as a string', 'NaN'],
    ['a truth value', true, 'Unix time', 'boolean'],
    ['null', null, 'Unix time', 'null'],
    ['an array', [1], 'Unix time', 'array'],
    ['an object', {}, 'Unix time', 'object'],
  ])('refuses %s and says what was expected', (_name, value, expected, got) => {
    const problem = parseDeviceTime(value)
    expect(problem).toEqual({
      expected: expect.stringContaining(expected),
      got: expect.stringContaining(got),
    })
    expect(JSON.stringify(problem).length).toBeLessThan(220)
  })

  it('fits 64 bits of nanoseconds: times beyond become the nearest', () => {
    expect(parseDeviceTime('9999-12-31T23:59:59Z')).toBe(2n ** 63n - 1n)
    expect(parseDeviceTime('1111-11-11T00:00:00Z')).toBe(-(2n ** 63n))
    expect(parseDeviceTime(99_999_999_999)).toBe(2n ** 63n - 1n)
  })

  it('reads every millisecond, microsecond and nanosecond exactly', () => {
    const ns = fc.bigInt({ min: 1_420_070_400_000_000_000n, max: 4_102_444_800_000_000_000n })
    fc.assert(
      fc.property(ns, (timeNs) => {
        const iso = Temporal.Instant.fromEpochNanoseconds(timeNs).toString()
        expect(parseDeviceTime(iso)).toBe(timeNs)
        expect(parseDeviceTime(timeNs.toString())).toBe(timeNs)
        expect(parseDeviceTime(Number(timeNs / 1000n))).toBe((timeNs / 1000n) * 1000n)
        const ms = timeNs / 1_000_000n
        expect(parseDeviceTime(Number(ms))).toBe(ms * 1_000_000n)
        expect(parseDeviceTime(Number(ms) / 1000)).toBe(ms * 1_000_000n)
      }),
      propertyRuns(),
    )
  })
})

describe('a plausible time', () => {
  const nowNs = 1_764_000_000_000_000_000n
  const dayNs = 86_400_000_000_000n

  it('is in 2015 or later and at most a day ahead', () => {
    expect(plausibleTime(1_420_070_400_000_000_000n, nowNs)).toBe(true)
    expect(plausibleTime(1_420_070_399_999_999_999n, nowNs)).toBe(false)
    expect(plausibleTime(nowNs + dayNs, nowNs)).toBe(true)
    expect(plausibleTime(nowNs + dayNs + 1n, nowNs)).toBe(false)
  })

  it('is not that of a tracker without a fix: 2004', () => {
    expect(plausibleTime(1_072_915_236_000_000_000n, nowNs)).toBe(false)
  })
})

describe('durations', () => {
  it.each([
    ['PT15M', 900n],
    ['PT1H', 3600n],
    ['P1D', 86_400n],
    ['P1W', 604_800n],
    ['P1DT2H3M4S', 93_784n],
    ['PT90S', 90n],
    ['15m', 900n],
    ['1h', 3600n],
    ['1d', 86_400n],
    ['30s', 30n],
  ])('%s is %d s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds * 1_000_000_000n)
  })

  it.each([
    ['P1M', 'PT15M'],
    ['P1Y', 'PT15M'],
    ['P', 'PT15M'],
    ['PT', 'PT15M'],
    ['P1DT', 'PT15M'],
    ['', 'PT15M'],
    ['15', 'PT15M'],
    ['1.5h', 'PT15M'],
    ['-1h', 'PT15M'],
    ['15M', 'PT15M'],
    ['9'.repeat(5000) + 's', 'PT15M'],
    ['0s', 'above zero'],
    ['PT0S', 'above zero'],
    ['999999999w', 'below 292 years'],
  ])('%s is refused', (text, expected) => {
    expect(parseDuration(text)).toMatchObject({ expected: expect.stringContaining(expected) })
  })
})
