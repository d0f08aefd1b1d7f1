import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { availability, type ServiceMessage } from '#lib/kpi/network/availability.ts'
import { delayVariation } from '#lib/kpi/network/delay-variation.ts'
import { reliability } from '#lib/kpi/network/reliability.ts'
import { timesRuns } from '../support/random-runs.ts'

const SEED = Number(process.env['SEED'] ?? 20261124)
const parameters = { seed: SEED, numRuns: timesRuns(400) }

/** Times in whole units of 1 ns: small numbers, so that every instant can be looked at. */
const message = fc
  .record({ sent: fc.nat(200), delay: fc.option(fc.nat(60)) })
  .map(({ sent, delay }): ServiceMessage => {
    const sentNs = BigInt(sent)
    return { sentNs, receivedNs: delay === null ? null : sentNs + BigInt(delay) }
  })
const service = fc.record({
  messages: fc.uniqueArray(message, {
    minLength: 1,
    maxLength: 25,
    selector: ({ sentNs }) => sentNs,
  }),
  latency: fc.integer({ min: 1, max: 30 }),
  survival: fc.nat(30),
})

/** Looks at each instant: is a message overdue whose next one in time has not come yet? */
function downInstants(messages: readonly ServiceMessage[], latency: number, survival: number) {
  const all = messages.map(({ sentNs, receivedNs }) => ({
    sent: Number(sentNs),
    received: receivedNs === null ? Infinity : Number(receivedNs),
  }))
  const endAt = Math.max(...all.map(({ sent }) => sent)) + latency
  const inTime = all.filter(({ sent, received }) => received - sent <= latency)
  let down = 0
  for (let now = Math.min(...all.map(({ sent }) => sent)); now < endAt; now += 1) {
    const isDown = all.some((bad) => {
      if (inTime.includes(bad) || bad.sent + latency + survival > now) return false
      const later = inTime.filter(({ sent }) => sent > bad.sent).toSorted((a, b) => a.sent - b.sent)
      return later.length === 0 || later[0]!.received > now
    })
    if (isDown) down += 1
  }
  return down
}

describe(`availability (SEED=${SEED})`, () => {
  it('is down at just the instants at which a message is overdue and the next in time not there', () => {
    fc.assert(
      fc.property(service, ({ messages, latency, survival }) => {
        const limits = { latencyNs: BigInt(latency), survivalNs: BigInt(survival) }
        const figures = availability(messages, limits)
        expect(Number(figures.downNs)).toBe(downInstants(messages, latency, survival))
        expect(availability(messages.toReversed(), limits)).toEqual(figures)
        expect(figures.availability).toBeGreaterThanOrEqual(0)
        expect(figures.availability).toBeLessThanOrEqual(1)
      }),
      parameters,
    )
  })
})

describe(`reliability (SEED=${SEED})`, () => {
  it('is bounded below what was observed, lower with each failure and higher with more messages', () => {
    const counts = fc
      .integer({ min: 2, max: 1_000_000 })
      .chain((n) => fc.tuple(fc.constant(n), fc.nat({ max: Math.min(n - 2, 5000) })))
    fc.assert(
      fc.property(counts, ([n, failures]) => {
        const { observed, lower95 } = reliability(n, failures)
        expect(lower95).toBeGreaterThan(0)
        expect(lower95).toBeLessThan(observed!)
        expect(reliability(n, failures + 1).lower95).toBeLessThan(lower95)
        expect(reliability(n * 2, failures).lower95).toBeGreaterThan(lower95)
      }),
      parameters,
    )
  })
})

describe(`variation of delay (SEED=${SEED})`, () => {
  it('does not change with the offset of a clock, lost messages or not', () => {
    const delays = fc.array(fc.option(fc.integer({ min: 0, max: 10_000 })), { maxLength: 100 })
    const offset = fc.integer({ min: -(2 ** 40), max: 2 ** 40 })
    fc.assert(
      fc.property(delays, offset, (delaysMs, offsetMs) => {
        const shifted = delaysMs.map((delay) => (delay === null ? null : delay + offsetMs))
        const { minMs, ...figures } = delayVariation(delaysMs)
        expect(delayVariation(shifted)).toEqual({
          ...figures,
          minMs: minMs === null ? null : minMs + offsetMs,
        })
      }),
      parameters,
    )
  })
})
