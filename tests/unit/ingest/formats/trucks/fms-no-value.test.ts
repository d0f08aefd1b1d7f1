import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFmsNoValue } from '../../../../../ingest/formats/trucks/fms-no-value.ts'
import { propertyRuns } from '../../../../support/random-runs.ts'

/** Resolution and offset by field, typed from the table of docs/domain.md 2.3. */
const SIGNALS = [
  ['speedKmh', 2, 1 / 256, 0],
  ['engineRpm', 2, 0.125, 0],
  ['fuelPct', 1, 0.4, 0],
  ['adBluePct', 1, 0.4, 0],
  ['odometerM', 4, 5, 0],
  ['odometerM', 4, 125, 0],
  ['engineHoursH', 4, 0.05, 0],
  ['fuelUsedL', 4, 0.5, 0],
  ['ambientC', 2, 0.03125, -273],
  ['gcwKg', 2, 10, 0],
] as const

/** Fields of two steps: 4 000 000 km, 4 000 000 l. */
const MOST: Readonly<Record<string, number>> = { odometerM: 4e9, fuelUsedL: 4e6 }

describe('a value of an FMS signal', () => {
  it.each(SIGNALS)(
    '%s of %d bytes is no value where its bits mean error or not available',
    (...row) => {
      const [field, bytes, step, offset] = row
      const end = 256 ** bytes
      const code = fc.integer({ min: (end / 256) * 0xfe, max: end - 1 })
      fc.assert(
        fc.property(code, (raw) => {
          expect(isFmsNoValue(field, raw * step + offset)).toBe(true)
        }),
        propertyRuns(),
      )
    },
  )

  it.each(SIGNALS)('%s of %d bytes is a value up to 0xFA..', (field, bytes, step, offset) => {
    // More is an error code of the other step, or as a raw number; no truck has it.
    const most = (MOST[field] ?? Infinity) / step
    const largest = Math.floor(Math.min((256 ** bytes / 256) * 0xfa, 2_000_000_000, most))
    fc.assert(
      fc.property(fc.nat(largest), (raw) => {
        expect(isFmsNoValue(field, raw * step + offset)).toBe(false)
      }),
      propertyRuns(),
    )
  })

  it.each([
    ['gcwKg', 655_350, true],
    ['gcwKg', 65_535, false],
    ['ambientC', 65_535, true],
    ['ambientC', -1, false],
    ['ambientC', 1774.96875, true],
    ['fuelPct', 102, true],
    ['fuelPct', 101.6, true],
    ['fuelPct', 101.2, false],
    ['fuelPct', 255, true],
    ['odometerM', -1, true],
    ['odometerM', 4_294_967_295, true],
    ['odometerM', 65_535, false],
    // Raw 0x4E20, worked out in docs/domain.md 2.3.
    ['speedKmh', 78.125, false],
    ['headingDeg', 65_535, false],
  ])('%s %d: %s', (field, value, isNone) => expect(isFmsNoValue(field, value)).toBe(isNone))
})
