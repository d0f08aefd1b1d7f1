import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { availability } from '#lib/kpi/network/availability.ts'
import { BUCKET_RELATIVE_ERROR, bucketOf, percentileOfBuckets } from '#lib/kpi/buckets.ts'
import { delayVariation } from '#lib/kpi/network/delay-variation.ts'
import { latencyFigures } from '#lib/kpi/network/latency.ts'
import { reliabilityOf } from '#lib/kpi/network/reliability.ts'

/*
 * Round trips recorded from a car over 5G (CICV5G, docs/domain.md 5.3), read where they lie. The
 * figures of our code are compared with ones computed here, straight from the definitions.
 */
const FOLDER = new URL('../../../../../../shared/traces/', import.meta.url)
const hasTraces = existsSync(FOLDER)
// One name even where there is no file, so that the tests show as skipped.
const FILES = hasTraces
  ? readdirSync(FOLDER).filter((name) => /^cicv5g_.*\.csv$/.test(name))
  : ['cicv5g']
if (!hasTraces) {
  process.stderr.write('the recorded delays are skipped: ../shared/traces is not there\n')
}

interface Trip {
  readonly sentMs: number
  readonly receivedMs: number
}

function tripsOf(name: string): Trip[] {
  const lines = readFileSync(new URL(name, FOLDER), 'utf8').trim().split('\n').slice(1)
  return lines.map((line) => {
    const [sent, received] = line.split(',')
    return { sentMs: Number(sent), receivedMs: Number(received) }
  })
}

/** Percentile of type 7 after its definition: h = (n - 1) p, between the two around it. */
function quantile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const h = (sorted.length - 1) * p
  const [low, high] = [sorted[Math.floor(h)]!, sorted[Math.ceil(h)]!]
  return low + (high - low) * (h - Math.floor(h))
}

describe.skipIf(!hasTraces).each(FILES)('the recording %s', (name) => {
  const trips = hasTraces ? tripsOf(name) : []
  const delaysMs = trips.map(({ sentMs, receivedMs }) => receivedMs - sentMs)

  it('has the percentiles of a direct computation, exactly and out of buckets', () => {
    const { percentilesMs, maxMs, n } = latencyFigures(delaysMs, [50, 95, 99])
    expect(n).toBe(trips.length)
    expect(maxMs).toBe(Math.max(...delaysMs))
    const histogram = delaysMs.map((delay) => ({ bucket: bucketOf(delay), n: 1 }))
    for (const [at, p] of [0.5, 0.95, 0.99].entries()) {
      const direct = quantile(delaysMs, p)
      expect(percentilesMs[at]).toBeCloseTo(direct, 9)
      const bucketed = percentileOfBuckets(histogram, p * 100)!
      expect(Math.abs(bucketed / direct - 1)).toBeLessThanOrEqual(BUCKET_RELATIVE_ERROR)
    }
  })

  it('has the jitter, IPDV and PDV of a direct computation', () => {
    let jitter = 0
    let steps = 0
    for (let at = 1; at < delaysMs.length; at += 1) {
      const step = Math.abs(delaysMs[at]! - delaysMs[at - 1]!)
      jitter += (step - jitter) / 16
      steps += step
    }
    const least = Math.min(...delaysMs)
    expect(delayVariation(delaysMs)).toEqual({
      n: delaysMs.length,
      minMs: least,
      ipdvN: delaysMs.length - 1,
      meanAbsIpdvMs: expect.closeTo(steps / (delaysMs.length - 1), 9),
      pdvP95Ms: expect.closeTo(quantile(delaysMs, 0.95) - least, 9),
      pdvP999Ms: expect.closeTo(quantile(delaysMs, 0.999) - least, 9),
      jitterMs: expect.closeTo(jitter, 9),
    })
  })

  it.each([
    [30, 0],
    [30, 55],
    [100, 200],
    [3000, 0],
  ])(
    'is available within %i ms and %i ms of survival by a direct computation',
    (limit, survive) => {
      const messages = trips.map(({ sentMs, receivedMs }) => ({
        sentNs: BigInt(sentMs) * 1_000_000n,
        receivedNs: BigInt(receivedMs) * 1_000_000n,
      }))
      const limits = {
        latencyNs: BigInt(limit) * 1_000_000n,
        survivalNs: BigInt(survive) * 1_000_000n,
      }
      const endMs = trips.at(-1)!.sentMs + limit
      const observedMs = endMs - trips[0]!.sentMs
      const downMs = directDownMs(trips, { limit, survive, endMs })
      const figures = availability(messages, limits)
      expect(Number(figures.downNs) / 1e6).toBe(downMs)
      expect(figures.availability).toBeCloseTo(1 - downMs / observedMs, 12)
      const late = delaysMs.filter((delay) => delay > limit).length
      expect(figures).toMatchObject({ late, lost: 0, n: trips.length })
      expect(reliabilityOf(messages, limits.latencyNs).failures).toBe(late)
    },
  )
})

/** Each run of late messages by itself: from its first sending to the next message in time. */
function directDownMs(
  trips: readonly Trip[],
  { limit, survive, endMs }: { limit: number; survive: number; endMs: number },
): number {
  const isLate = ({ sentMs, receivedMs }: Trip) => receivedMs - sentMs > limit
  return trips.reduce((sum, trip, at) => {
    const before = trips[at - 1]
    if (!isLate(trip) || (before && isLate(before))) return sum
    const next = trips.slice(at).find((later) => !isLate(later))
    return sum + Math.max(0, (next?.receivedMs ?? endMs) - (trip.sentMs + limit + survive))
  }, 0)
}
