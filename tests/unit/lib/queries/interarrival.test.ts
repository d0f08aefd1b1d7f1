import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { interarrival as figuresOf } from '#lib/kpi/network/interarrival.ts'
import { interarrival } from '#lib/queries/interarrival.ts'
import { isTooMany } from '#lib/telemetry/too-many.ts'
import { delayRows, NOON_NS, SECOND_NS } from '../../api/rows.ts'
import { queryContext } from '../../../support/query-context.ts'

const MINUTE_NS = 60n * SECOND_NS
const SCOPE = { tenants: null, devices: null, kinds: null }

describe('the time between two messages', () => {
  it('has the gaps of a worked example, and where the longest began', async () => {
    const seconds = [0, 10, 20, 30, 250]
    const rows = delayRows('acme.t1', seconds.length).map((row, at) => {
      const receivedAtNs = NOON_NS + BigInt(seconds[at] ?? 0) * SECOND_NS
      return { ...row, receivedAtNs }
    })
    const delays = [...rows, ...delayRows('acme.t2', 1, { channel: 'status' })]
    const context = queryContext({ store: { delays: async () => delays } })
    const query = { scope: SCOPE, fromNs: 0n, toNs: 2n * NOON_NS }
    const result = await interarrival.answer(context, query)
    if (isTooMany(result)) throw new Error('too many messages')
    expect(result.rows).toEqual([
      {
        group: { device: 'acme.t1' },
        channel: 'telemetry',
        n: 5,
        gapMeanMs: 62_500,
        gapP50Ms: 10_000,
        // Type 7 over 10, 10, 10 and 220 s.
        gapP95Ms: expect.closeTo(188_500, 6),
        gapMaxMs: 220_000,
        longestFrom: NOON_NS + 30n * SECOND_NS,
        // The minutes 1, 2 and 3 after noon.
        silentMinutes: 3,
      },
      {
        group: { device: 'acme.t2' },
        channel: 'status',
        n: 1,
        gapMeanMs: null,
        gapP50Ms: null,
        gapP95Ms: null,
        gapMaxMs: null,
        longestFrom: null,
        silentMinutes: 0,
      },
    ])
  })

  it('does not depend on the order, and its gaps add up to the span of the arrivals', () => {
    const arrival = fc.bigInt({ min: 0n, max: 1_000n * MINUTE_NS })
    fc.assert(
      fc.property(fc.array(arrival, { minLength: 2, maxLength: 40 }), (atNs) => {
        const figures = figuresOf(atNs)
        expect(figuresOf(atNs.toReversed())).toEqual(figures)
        const sorted = atNs.toSorted((a, b) => (a < b ? -1 : 1))
        const spanMs = Number((sorted.at(-1) ?? 0n) - (sorted[0] ?? 0n)) / 1e6
        expect((figures.meanMs ?? 0) * (atNs.length - 1)).toBeCloseTo(spanMs, 3)
        const minutes = new Set(sorted.map((at) => at / MINUTE_NS))
        const touched =
          Number((sorted.at(-1) ?? 0n) / MINUTE_NS - (sorted[0] ?? 0n) / MINUTE_NS) + 1
        expect(figures.silentMinutes).toBe(touched - minutes.size)
      }),
    )
  })
})
