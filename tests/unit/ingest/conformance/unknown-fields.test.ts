import { describe, expect, it } from 'vitest'
import {
  MAX_UNKNOWN_FIELDS,
  countUnknownFields,
  createTraffic,
} from '../../../../ingest/conformance/traffic.ts'

const element = (unknownFields: readonly string[]) => ({
  elementIndex: -1,
  kind: 'truck' as const,
  seq: null,
  timeNs: null,
  flags: 0,
  fields: {},
  radio: null,
  hash: 0n,
  unknownFields,
})

describe('the unknown names of a device', () => {
  it('are counted, and remembered up to a limit in number and length', () => {
    const traffic = createTraffic()
    for (let n = 0; n < 10_000; n += 1) {
      countUnknownFields(traffic, [element([`data.${n}${'x'.repeat(1000)}`, 'data.__proto__'])])
    }
    const names = Object.keys(traffic.unknownFields)
    expect(names).toHaveLength(MAX_UNKNOWN_FIELDS)
    expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(64)
    expect(traffic.unknownFields['data.__proto__']).toBe(10_000)
  })
})
