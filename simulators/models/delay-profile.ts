import type { Random } from '#lib/runtime/random.ts'
import { between, normal } from './chance.ts'

export type Rat = 'lte' | 'nr-nsa' | 'nr-sa'

interface Profile {
  /** Round trip, ms. */
  readonly medianMs: number
  /** Standard deviation of the logarithm of the body. */
  readonly spread: number
  readonly tailShare: number
  readonly tailMs: readonly [number, number]
}

/**
 * Fitted to the statistics of recorded runs (docs/domain.md 5.4): n78 in coverage has a median of
 * 15-21 ms, p95 21-29, p99 26-155. NSA and LTE follow in the order that operators see. The body is
 * lognormal.
 */
const PROFILES: Readonly<Record<Rat, Profile>> = {
  'nr-sa': { medianMs: 17.5, spread: 0.2, tailShare: 0.012, tailMs: [30, 160] },
  'nr-nsa': { medianMs: 25, spread: 0.26, tailShare: 0.015, tailMs: [45, 240] },
  lte: { medianMs: 41, spread: 0.32, tailShare: 0.02, tailMs: [90, 500] },
}

/** Where coverage ends the network queues: p90 of a second, p99 of nine (docs/domain.md 5.3). */
const WEAK_SINR_DB = 3
const QUEUE_SHARE = 0.25
const QUEUE_MS: readonly [number, number] = [150, 2500]

/** A share of the round trip goes up: uplinks wait for their grant. */
const UPLINK_SHARE = 0.57

export interface Delay {
  readonly uplinkMs: number
  readonly downlinkMs: number
}

/** The delays of one exchange over the air. */
export function drawDelay(rat: Rat, sinrDb: number, random: Random): Delay {
  const { medianMs, spread, tailShare, tailMs } = PROFILES[rat]
  const body = medianMs * Math.exp(normal(random, 0, spread))
  const inTail = random.next() < tailShare
  const tail = between(random, ...tailMs)
  const rttMs = inTail ? Math.max(body, tail) : body
  const queues = random.next() < QUEUE_SHARE && sinrDb < WEAK_SINR_DB
  const queueMs = between(random, ...QUEUE_MS)
  return {
    uplinkMs: rttMs * UPLINK_SHARE + (queues ? queueMs : 0),
    downlinkMs: rttMs * (1 - UPLINK_SHARE),
  }
}
