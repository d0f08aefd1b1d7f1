import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { Device } from '#lib/registry/registry.ts'
import { formatNamed } from '../../../../ingest/formats/catalogue.ts'
import { casesOf, type ExpectedCase } from '../../../support/format-cases.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const FORMATS = ['elvaco', 'kamstrup2mqtt', 'mbus', 'nabovarme', 'senml'] as const

/** Bytes changed, left out, doubled or inserted. */
function damage(payload: Buffer, edits: readonly Edit[]): Buffer {
  let bytes = payload
  for (const { how, where, byte } of edits) {
    const at = where % (bytes.length + 1)
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
    if (how === 'turn') bytes = Buffer.concat([head, Buffer.of(byte), tail.subarray(1)])
    else if (how === 'insert') bytes = Buffer.concat([head, Buffer.of(byte), tail])
    else if (how === 'remove') bytes = Buffer.concat([head, tail.subarray(1 + (byte & 7))])
    else if (how === 'double') bytes = Buffer.concat([bytes, tail])
    else bytes = Buffer.from(head)
  }
  return bytes
}

interface Edit {
  readonly how: 'turn' | 'insert' | 'remove' | 'double' | 'cut'
  readonly where: number
  readonly byte: number
}

const edit = fc.record({
  how: fc.constantFrom<Edit['how']>('turn', 'turn', 'insert', 'remove', 'double', 'cut'),
  where: fc.nat(5000),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('0123456789abcdefF{}[]",:;&=-. '))),
})

const kind = fc.constantFrom<Device['kind']>('heat_meter', 'energy_meter', 'truck', 'gateway')

describe.each(FORMATS)('any bytes to %s', (format) => {
  const cases = casesOf(format)

  function check(payload: Uint8Array, { device, channel, settings }: ExpectedCase) {
    const output = formatNamed(format)?.parse(formatInput(payload, device, channel, settings))
    if (!output) throw new Error(`${format} is not in the list`)
    for (const refused of output.refused) {
      expect(Object.values(refused).every((part) => part !== undefined)).toBe(true)
      expect(JSON.stringify(refused).length).toBeLessThan(700)
    }
    for (const element of output.elements) {
      const known: Readonly<Record<string, unknown>> = KINDS[element.kind].fields
      for (const [name, value] of Object.entries(element.fields)) {
        expect(known).toHaveProperty(name)
        expect(typeof value !== 'number' || Number.isFinite(value)).toBe(true)
      }
      expect(BigInt.asIntN(64, element.timeNs ?? 0n)).toBe(element.timeNs ?? 0n)
    }
  }

  it('give readings, refusals or an event, and never throw', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...cases), fc.array(edit, { maxLength: 6 }))
      .map(([one, edits]) => ({ one, payload: damage(one.payload, edits) }))
    fc.assert(
      fc.property(damaged, ({ one, payload }) => check(payload, one.expected)),
      propertyRuns(2000),
    )
  })

  it('that are no message are refused or an event', () => {
    const nonsense = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.string().map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(nonsense, kind, fc.constantFrom(...cases), (payload, device, one) =>
        check(payload, { ...one.expected, device }),
      ),
      propertyRuns(1000),
    )
  })
})
