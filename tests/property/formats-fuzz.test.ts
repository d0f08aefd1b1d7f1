import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import { KIND_NAMES } from '#lib/telemetry/catalogue.ts'
import { FORMAT_NAMES, formatNamed } from '../../ingest/formats/catalogue.ts'
import { formatInput } from '../support/format-input.ts'
import { faultOf } from '../support/formats-fuzz-faults.ts'
import { mutated, readCases } from '../support/formats-fuzz-inputs.ts'
import { timesRuns } from '../support/random-runs.ts'

/*
 * Whatever bytes come in, a format answers with readings, refusals or an event: it neither throws
 * nor hangs, and nothing it gives could hurt the store behind it. `npm run bench -- --only fuzz`
 * does the same with a million inputs.
 */

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const MUTATED = 7000
const ANY_BYTES = 1500
const ANY_JSON = 1500

describe(`any bytes (SEED=${SEED})`, () => {
  it(
    'made from the cases of all formats get a result from every format',
    { timeout: timesRuns(60_000) },
    () => {
      const cases = readCases()
      expect(new Set(cases.map(({ format }) => format))).toEqual(new Set(FORMAT_NAMES))
      const random = createRandom(SEED)
      const runs = timesRuns(MUTATED)
      const faults: string[] = []
      for (let n = 0; n < runs; n += 1) {
        const input = mutated(cases, random)
        const fault = faultOf(input)
        if (fault !== null) faults.push(`input ${n} of SEED=${SEED}: ${fault}`)
      }
      expect(faults).toEqual([])
    },
  )

  it('at random get a result from every format', { timeout: timesRuns(60_000) }, () => {
    const bytes = fc.uint8Array({ maxLength: 300 })
    const formats = fc.constantFrom(...FORMAT_NAMES)
    fc.assert(
      fc.property(bytes, formats, (payload, format) => {
        expect(
          faultOf({ format, payload, kind: 'truck', channel: format, settings: {} }),
        ).toBeNull()
      }),
      { seed: SEED, numRuns: timesRuns(ANY_BYTES) },
    )
  })

  it('that are JSON get a result from every format', { timeout: timesRuns(60_000) }, () => {
    const json = fc.json({ maxDepth: 6 }).map((text) => Buffer.from(text))
    const kinds = fc.constantFrom(...KIND_NAMES)
    const formats = fc.constantFrom(...FORMAT_NAMES)
    fc.assert(
      fc.property(json, formats, kinds, (payload, format, kind) => {
        expect(faultOf({ format, payload, kind, channel: format, settings: {} })).toBeNull()
      }),
      { seed: SEED, numRuns: timesRuns(ANY_JSON) },
    )
  })

  it('get the same result every time', () => {
    const cases = readCases()
    const random = createRandom(SEED + 1)
    for (let n = 0; n < 500; n += 1) {
      const { format, payload, kind, channel, settings } = mutated(cases, random)
      const input = formatInput(payload, kind, channel, settings)
      const parse = () => formatNamed(format)?.parse(input)
      expect(parse()).toEqual(parse())
    }
  })
})
