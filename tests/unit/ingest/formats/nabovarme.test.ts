import { createCipheriv, createHash, createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { nabovarme } from '../../../../ingest/formats/nabovarme.ts'
import { formatInput } from '../../../support/format-input.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const TOPIC = '/sample/v2/9999999/1764000000'
const KEY = 'ef500c9268cf749016d26d6cbfaaf7bf'

/** Seals a sample as the manual of MeterLogger tells it. */
function seal(text: string, topic = TOPIC): Buffer {
  const keys = createHash('sha256').update(Buffer.from(KEY, 'hex')).digest()
  const iv = Buffer.alloc(16, 7)
  const clear = Buffer.alloc(16 * Math.ceil((text.length + 1) / 16))
  clear.write(text, 'latin1')
  const cipher = createCipheriv('aes-128-cbc', keys.subarray(0, 16), iv).setAutoPadding(false)
  const sealed = Buffer.concat([iv, cipher.update(clear), cipher.final()])
  const mac = createHmac('sha256', keys.subarray(16)).update(topic).update(sealed).digest()
  return Buffer.concat([mac, sealed])
}

function parse(payload: Uint8Array | string, settings: Device['settings'] = {}, topic = TOPIC) {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  return nabovarme.parse(formatInput(bytes, 'heat_meter', topic, settings))
}

describe('an encrypted sample', () => {
  const settings = { aesKey: KEY }
  const decimal = fc.integer({ min: 0, max: 9_999_999 }).map((n) => (n / 1000).toFixed(3))

  it('has the same values as the clear one', () => {
    fc.assert(
      fc.property(decimal, decimal, fc.constantFrom('kWh', 'MWh', 'GJ'), (e1, v1, unit) => {
        const text = `heap=20000&v1=${v1} m3&e1=${e1} ${unit}&`
        const [clear] = parse(text).elements
        expect(parse(seal(text), settings).elements).toMatchObject([{ fields: clear?.fields }])
      }),
      propertyRuns(),
    )
  })

  it('is refused when any bit of it has changed, or its topic', () => {
    const whole = seal('e1=56.726 MWh&')
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const damaged = Buffer.from(whole)
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(parse(damaged, settings).refused).toMatchObject([{ reason: 'malformed' }])
    }
    expect(parse(whole, settings, '/sample/v2/9999999/1764000001').elements).toEqual([])
    expect(parse(whole, settings).elements).toHaveLength(1)
  })

  it('is decrypted with the secret of the device, which no refusal shows', () => {
    const input = formatInput(seal('e1=1 kWh&'), 'heat_meter', TOPIC)
    const keyed = { ...input, secretOf: () => KEY }
    expect(nabovarme.parse(keyed).elements).toHaveLength(1)
    const wrong = { ...input, secretOf: () => 'AB'.repeat(16) }
    expect(JSON.stringify(nabovarme.parse(wrong).refused)).not.toContain('ABAB')
  })
})

describe('a topic', () => {
  it('of the board makes any message an event', () => {
    for (const name of ['cron', 'ping', 'version', 'status', 'open_until', 'rssi', 'scan_result']) {
      expect(parse('7', {}, `/${name}/v2/9999999/1764000000`)).toEqual({
        elements: [],
        refused: [],
      })
    }
  })

  it('may begin with levels that a bridge adds', () => {
    const [element] = parse('e1=1 kWh&', {}, 'site/sample/v2/7654321/1764000000').elements
    expect(element).toMatchObject({
      timeNs: 1_764_000_000_000_000_000n,
      fields: { meterId: '07654321' },
    })
  })

  it('without a valid time gives the receive time', () => {
    expect(parse('e1=1 kWh&', {}, '/sample/v2/7654321/now').elements).toMatchObject([
      { timeNs: null },
    ])
  })
})
