import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { flagNames } from '#lib/telemetry/flags.ts'
import type { FormatOutput } from '../../ingest/formats/format.ts'
import { FORMAT_NAMES, formatNamed } from '../../ingest/formats/catalogue.ts'
import { formatInput } from '../support/format-input.ts'

/** The layout of `expected.json` is described in README.md beside this file. */
interface Expected {
  readonly device: Device['kind']
  readonly channel?: string
  readonly settings?: Device['settings']
  readonly drafts: readonly unknown[]
  readonly refused: readonly { readonly item: number }[]
}

const foldersOf = (path: string) =>
  readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory())

const FORMATS = foldersOf(import.meta.dirname).map(({ name }) => name)

const CASES = FORMATS.flatMap((format) =>
  foldersOf(join(import.meta.dirname, format)).map(({ name }) => ({ format, name })),
)

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

function payloadOf(folder: string): Uint8Array {
  const binary = join(folder, 'input.bin')
  return readFileSync(existsSync(binary) ? binary : join(folder, 'input.json'))
}

describe('cases', () => {
  it.each(CASES)('$format/$name', ({ format, name }) => {
    const folder = join(import.meta.dirname, format, name)
    const expected: Expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
    const { device, channel = 'telemetry', settings, drafts, refused } = expected
    const input = formatInput(payloadOf(folder), device, channel, settings)
    const output = formatNamed(format)?.parse(input)
    expect(output && readable(output)).toEqual({ drafts, refused })
    expect(name.startsWith('bad-')).toBe(drafts.length === 0 && refused.length > 0)
  })

  it.each(FORMAT_NAMES)('%s has at least eight good and eight bad ones', (format) => {
    const names = CASES.filter((one) => one.format === format).map(({ name }) => name)
    const bad = names.filter((name) => name.startsWith('bad-'))
    expect(bad.length).toBeGreaterThanOrEqual(8)
    expect(names.length - bad.length).toBeGreaterThanOrEqual(8)
  })
})
