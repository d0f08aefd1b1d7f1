import { PassThrough } from 'node:stream'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BackPressure } from '../../../../broker/connections/back-pressure.ts'
import type { Connection } from '../../../../broker/connections/connection.ts'
import { RateLimit } from '../../../../broker/connections/rate-limit.ts'

/** Of a connection only its tokens matter here, and that its stream can be paused. */
const connection = () =>
  ({
    tokens: 0,
    tokensAtNs: 0n,
    waitingBytes: 0,
    stream: new PassThrough(),
  }) as unknown as Connection
const backPressure = new BackPressure(() => {})

function takeAll(limit: RateLimit, of: Connection): number {
  let taken = 0
  while (limit.take(of)) taken += 1
  return taken
}

describe('the rate limit of a connection', () => {
  it('lets one second of messages pass at once, and then as time passes', () => {
    let monoNs = 1n
    const limit = new RateLimit(100, () => monoNs, backPressure)
    const one = connection()
    expect(takeAll(limit, one)).toBe(100)
    monoNs += 500_000_000n
    expect(takeAll(limit, one)).toBe(50)
    monoNs += 60_000_000_000n
    expect(takeAll(limit, one)).toBe(100)
  })

  it('lets pass what costs more than there is, and makes later ones pay for it', () => {
    let monoNs = 1n
    const limit = new RateLimit(100, () => monoNs, backPressure)
    const one = connection()
    expect(limit.take(one, 1000)).toBe(true)
    monoNs += 8_900_000_000n
    expect(limit.take(one)).toBe(false)
    monoNs += 200_000_000n
    expect(limit.take(one)).toBe(true)
  })

  it('never lets more pass than the rate and one second', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.array(fc.nat(2_000_000_000), { maxLength: 50 }),
        (perSecond, steps) => {
          let monoNs = 1n
          const limit = new RateLimit(perSecond, () => monoNs, backPressure)
          const one = connection()
          let taken = takeAll(limit, one)
          let passedNs = 0
          for (const step of steps) {
            monoNs += BigInt(step)
            passedNs += step
            taken += takeAll(limit, one)
          }
          expect(taken).toBeLessThanOrEqual(perSecond + (passedNs / 1e9) * perSecond + 1)
        },
      ),
      { numRuns: 50 },
    )
  })
})
