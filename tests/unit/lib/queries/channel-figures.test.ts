import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DelayRow } from '#lib/telemetry/delay.ts'
import { MAX_MESSAGES } from '#lib/queries/channel-figure.ts'
import { availability } from '#lib/queries/availability.ts'
import { jitter } from '#lib/queries/jitter.ts'
import type { RowsOf } from '#lib/queries/catalogue.ts'
import { isTooMany } from '#lib/telemetry/too-many.ts'
import { queryContext } from '../../../support/query-context.ts'
import { lossOfArrivals } from '../../../support/loss-of-series.ts'
import { timesRuns } from '../../../support/random-runs.ts'

const SEED = Number(process.env['SEED'] ?? 20261124)
const START_NS = 1_795_521_600_000_000_000n
const MS_NS = 1_000_000n
const SPAN = { fromNs: START_NS, toNs: START_NS + 3_600_000n * MS_NS }
const SCOPE = { tenants: null, devices: null, kinds: null }

interface Sent {
  readonly seq: number | null
  readonly atMs: number
  readonly delayMs?: number
  readonly rttMs?: number
  readonly uplinkMs?: number
  readonly counts?: boolean
  readonly isLate?: boolean
  readonly timed?: boolean
  readonly isWanted?: boolean
  readonly live?: boolean
}

function delay({ seq, atMs, delayMs = 10, ...more }: Sent): DelayRow {
  const timeNs = START_NS + BigInt(atMs) * MS_NS
  const { rttMs = null, uplinkMs = null, counts = true, timed = true, isWanted = true } = more
  const { isLate = false, live = true } = more
  const of = { device: 'acme.t1', channel: 'telemetry', seq, timeNs }
  const place = { ...of, counts, isLate, timed, isWanted, live }
  const receivedAtNs = timeNs + BigInt(delayMs) * MS_NS
  return { ...place, receivedAtNs, rttMs, uplinkMs, clockBoundMs: uplinkMs === null ? null : 2 }
}

function contextOf(rows: readonly DelayRow[]) {
  return queryContext({ store: { delays: async () => rows } })
}

const LIMITS = { maxLatencyMs: 50, survivalMs: 0 }

async function available(sent: readonly Sent[], limits = LIMITS): Promise<RowsOf<'availability'>> {
  const query = { scope: SCOPE, ...SPAN, ...limits }
  const result = await availability.answer(contextOf(sent.map(delay)), query)
  if (isTooMany(result)) throw new Error('too many messages')
  return result.rows
}

async function varying(sent: readonly Sent[]): Promise<RowsOf<'jitter'>> {
  const result = await jitter.answer(contextOf(sent.map(delay)), { scope: SCOPE, ...SPAN })
  if (isTooMany(result)) throw new Error('too many messages')
  return result.rows
}

/** Numbers in the order of arrival: gaps, repeats, late ones, new starts, replays, of two kinds. */
const arrivals = fc
  .tuple(
    fc.constantFrom(0, 1, 40, 700, 5000, 2 ** 32 - 20),
    fc.array(
      fc.record({
        by: fc.oneof(
          { weight: 8, arbitrary: fc.constant(1) },
          { weight: 3, arbitrary: fc.integer({ min: 2, max: 8 }) },
          { weight: 4, arbitrary: fc.integer({ min: -80, max: 0 }) },
          { weight: 1, arbitrary: fc.integer({ min: -1200, max: 1200 }) },
        ),
        live: fc.integer({ min: 0, max: 9 }).map((roll) => roll > 1),
        isProbe: fc.boolean(),
      }),
      { maxLength: 150 },
    ),
  )
  .map(([first, steps]) => {
    let seq = first
    return steps.map(({ by, ...of }) => {
      seq = Math.max(0, seq + by)
      // Counters of 32 bits begin again at 0.
      if (first > 5000 && seq >= 2 ** 32) seq -= 2 ** 32
      return { seq, ...of }
    })
  })

function lostIn(rows: RowsOf<'availability'>): number {
  return rows.reduce((sum, { lost }) => sum + (lost ?? 0), 0)
}

describe(`availability of a channel (SEED=${SEED})`, () => {
  it('takes what is sent one way by an unknown clock relative to the fastest message', async () => {
    // A clock 46 s ahead: every age is negative, the third message is 100 ms slower.
    const sent = [-46_000, -46_010, -45_910, -46_010].map((delayMs, at) => ({
      seq: at,
      atMs: at * 1000,
      delayMs,
    }))
    const [row] = await available(sent)
    expect(row).toMatchObject({ method: 'relative', n: 4, late: 1, lost: 0, clockBoundMs: null })
    // From 2050 ms, L after the slow one was sent, until the fourth came at 3000 ms.
    expect(row).toMatchObject({ downMs: 950, observedMs: 3050, outages: 1 })
  })

  it('corrects the device time by the offset where it is measured, also for the others', async () => {
    // Ages of 1000 ms and more, of which 980 ms are the clock.
    const [row] = await available([
      { seq: 1, atMs: 0, delayMs: 1000 },
      { seq: 2, atMs: 100, delayMs: 1000, uplinkMs: 20 },
      { seq: 3, atMs: 200, delayMs: 1040 },
    ])
    expect(row).toMatchObject({ method: 'uplink', n: 3, late: 1, clockBoundMs: 2 })
  })

  it('takes numbers of kinds that are filtered out for received, not for lost', async () => {
    // Numbers 1 to 9 without 4 and 8; every third one is of the wanted kind.
    const sent = [1, 2, 3, 5, 6, 7, 9].map((seq) => ({
      seq,
      atMs: seq * 100,
      rttMs: 20,
      isWanted: seq % 3 === 0,
    }))
    // 4 is followed by the unwanted 5, 8 by the wanted 9.
    expect(await available(sent)).toMatchObject([{ method: 'rtt', n: 4, lost: 1 }])
    expect(await varying(sent)).toMatchObject([{ stage: 'rtt', n: 3 }])
    expect(await available(sent.map((one) => ({ ...one, isWanted: false })))).toEqual([])
  })

  it('counts lost numbers as lost, in the middle between those that came', async () => {
    const [row] = await available([
      { seq: 1, atMs: 0 },
      { seq: 4, atMs: 300 },
    ])
    expect(row).toMatchObject({ n: 4, lost: 2, late: 0 })
    // The first of the two was due at 100 + 50 ms; the fourth came at 300 ms.
    expect(row?.downMs).toBe(150)
  })

  it('does not count late arrivals as lost, and starts again when the sender restarts', async () => {
    const order = [1, 3, 2, 4, 1, 2, 3]
    const sent = order.map((seq, at) => ({ seq, atMs: at < 4 ? seq * 10 : 1000 + seq * 10 }))
    expect(await available(sent)).toMatchObject([{ n: 7, lost: 0 }])
  })

  it('has as many lost ones as the loss figure, of all kinds and of each', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async (order) => {
        const sent = order.map(({ seq, live, isProbe }, at) => {
          return { seq, live, atMs: at * 10, ...(isProbe && { rttMs: 20 }) }
        })
        const { lost, lostOf } = lossOfArrivals(order)
        expect(lostIn(await available(sent))).toBe(lost)
        for (const isProbe of [true, false]) {
          const wanted = sent.map((one, at) => ({
            ...one,
            isWanted: order[at]?.isProbe === isProbe,
          }))
          expect(lostIn(await available(wanted))).toBe(lostOf(isProbe))
        }
      }),
      { seed: SEED, numRuns: timesRuns(500) },
    )
  })

  it('lets a replay fill a gap, and counts it for no message of the service', async () => {
    const sent = [1, 2, 4, 5].map((seq) => ({ seq, atMs: seq * 10 }))
    expect(await available(sent)).toMatchObject([{ n: 5, lost: 1 }])
    const replayed = { seq: 3, atMs: 30, delayMs: 3_600_000, live: false }
    expect(await available([...sent, replayed])).toMatchObject([{ n: 4, lost: 0, late: 0 }])
  })

  it('counts what was lost before the first message of a service, which is no outage', async () => {
    const rows = await available([
      { seq: 1, atMs: 0 },
      { seq: 4, atMs: 300, rttMs: 20 },
      { seq: 5, atMs: 400, rttMs: 20 },
    ])
    expect(rows).toMatchObject([
      { method: 'rtt', n: 4, lost: 2, failures: 2, outages: 0, observedMs: 150 },
      { method: 'relative', n: 1, lost: 0 },
    ])
  })

  it('keeps round trips apart from what goes one way, on one counter', async () => {
    const rows = await available([
      { seq: 1, atMs: 0 },
      { seq: 2, atMs: 10, rttMs: 20 },
      { seq: 3, atMs: 20 },
      { seq: 5, atMs: 30, rttMs: 80 },
      { seq: 6, atMs: 40 },
    ])
    expect(rows).toMatchObject([
      { method: 'rtt', n: 3, late: 1, lost: 1 },
      { method: 'relative', n: 3, late: 0, lost: 0 },
    ])
  })

  it('knows no loss without numbers, and nothing of messages without a time', async () => {
    expect(await available([{ seq: null, atMs: 10 }])).toMatchObject([{ n: 1, lost: null }])
    const [row] = await available([{ seq: 1, atMs: 0, timed: false }])
    expect(row).toMatchObject({ n: 0, availability: null })
    // It came all the same, so its number is not lost.
    const sent = [1, 2, 3].map((seq) => ({ seq, atMs: seq * 10, timed: seq !== 2 }))
    expect(await available(sent)).toMatchObject([{ n: 2, lost: 0 }])
  })

  it('is refused where the lost messages alone are too many', async () => {
    const rows = Array.from({ length: 250 }, (_, at) => delay({ seq: 1 + 900 * at, atMs: at }))
    const query = { scope: SCOPE, ...SPAN, ...LIMITS }
    const result = await availability.answer(contextOf(rows), query)
    expect(result).toEqual({ tooMany: true, limit: MAX_MESSAGES })
  })
})

describe('jitter of a channel', () => {
  // The check vector of docs/domain.md 5.1.
  const VECTOR = [12, 15, 11, 40, 13, 14, 250, 12, 13, 16]

  it.each([0, 46_000])('has the check values, whatever the clock (%i ms ahead)', async (ahead) => {
    const sent = VECTOR.map((ms, at) => ({ seq: at, atMs: at * 1000, delayMs: ms - ahead }))
    const [row] = await varying(sent)
    expect(row).toMatchObject({ stage: 'age', n: 10, ipdvN: 9 })
    expect(row?.ipdvMeanMs).toBeCloseTo(60.2222, 4)
    expect(row?.jitterMs).toBeCloseTo(28.24539, 5)
    expect(row?.pdvP95Ms).toBeCloseTo(144.5, 9)
    // Steps 1 1 3 3 4 27 29 236 238: h = 8 * 0.95 = 7.6.
    expect(row?.ipdvP95Ms).toBeCloseTo(236 + 0.6 * 2, 9)
  })

  it('goes by the order of sending, not of arrival', async () => {
    const sent = VECTOR.map((ms, at) => ({ seq: at, atMs: at * 10, delayMs: ms }))
    const arrived = sent.toSorted((a, b) => a.atMs + a.delayMs - b.atMs - b.delayMs)
    expect(arrived).not.toEqual(sent)
    expect(await varying(arrived)).toEqual(await varying(sent))
  })

  it('has no step across a lost message or one that does not count', async () => {
    const lost = [1, 2, 4, 5].map((seq) => ({ seq, atMs: seq * 10 }))
    expect(await varying(lost)).toMatchObject([{ n: 4, ipdvN: 2 }])
    const late = [1, 2, 3, 4].map((seq) => ({ seq, atMs: seq * 10, counts: seq !== 3 }))
    expect(await varying(late)).toMatchObject([{ n: 3, ipdvN: 1 }])
  })
})
