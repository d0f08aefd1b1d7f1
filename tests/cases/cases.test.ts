import { describe, expect, it } from 'vitest'
import { flagNames } from '#lib/telemetry/flags.ts'
import { FORMAT_NAMES, formatNamed } from '../../ingest/formats/catalogue.ts'
import type { FormatOutput } from '../../ingest/formats/format.ts'
import { CASE_FORMATS, casesOf, isBad } from '../support/format-cases.ts'
import { formatInput } from '../support/format-input.ts'

/** The output as a person writes it: times as text, flags as names, without hashes. */
function readable({ elements, refused }: FormatOutput) {
  return {
    drafts: elements.map(({ elementIndex, kind, seq, timeNs, flags, fields, radio }) => {
      const time = timeNs === null ? null : Temporal.Instant.fromEpochNanoseconds(timeNs).toString()
      return { item: elementIndex, kind, seq, time, flags: flagNames(flags), fields, radio }
    }),
    refused: refused.map(({ elementIndex, ...rest }) => ({ item: elementIndex, ...rest })),
  }
}

describe('cases', () => {
  it.each(CASE_FORMATS.flatMap(casesOf))('$format/$name', (one) => {
    const { device, channel, settings, drafts, refused } = one.expected
    const input = formatInput(one.payload, device, channel, settings)
    const output = formatNamed(one.format)?.parse(input)
    expect(output && readable(output)).toEqual({ drafts, refused })
    expect(isBad(one)).toBe(drafts.length === 0 && refused.length > 0)
  })

  it.each(FORMAT_NAMES)('%s has at least eight good and eight bad ones', (format) => {
    const cases = casesOf(format)
    const bad = cases.filter(isBad)
    expect(bad.length).toBeGreaterThanOrEqual(8)
    expect(cases.length - bad.length).toBeGreaterThanOrEqual(8)
  })
})
