/*
 * A clock that is behind, seen by its readings alone (docs/domain.md 8.3): the lag of the live messages of
 * one channel stays the same while time passes. What a queue held back comes with lags that shrink, and a
 * backlog of old readings with lags of its own for each of them.
 */

/** Below it a slow network may be the reason. */
const MIN_LAG_NS = 10_000_000_000n
/** The lag varies by no more than this, and by no more than a tenth of itself. */
const MAX_SPREAD_NS = 10_000_000_000n
const MIN_LAG_PER_SPREAD = 10n
/** Messages, and the time they span, before a lag counts as constant. */
const MIN_MESSAGES = 10
const MIN_SPAN_NS = 120_000_000_000n
/** Rare messages prove nothing: a meter may stamp the full hour and send five minutes later. */
const MAX_PAUSE_NS = 300_000_000_000n

/** The lags of the messages since `sinceNs`, and the last one that was constant for long enough. */
export interface ConstantLag {
  sinceNs: bigint
  lastNs: bigint
  lowNs: bigint
  highNs: bigint
  messages: number
  provenNs: bigint | null
}

export function createConstantLag(): ConstantLag {
  return { sinceNs: 0n, lastNs: 0n, lowNs: 0n, highNs: 0n, messages: 0, provenNs: null }
}

/** One more live message: its newest time was `lagNs` behind the time of receipt. */
export function addLag(lag: ConstantLag, lagNs: bigint, receivedAtNs: bigint): void {
  // Another element of the message, or a message of the same read.
  if (lag.messages > 0 && receivedAtNs === lag.lastNs) return
  if (lagNs < MIN_LAG_NS) {
    if (lag.messages > 0) begin(lag, 0n, receivedAtNs, 0)
    lag.provenNs = null
    return
  }
  if (lag.provenNs !== null && !isNear(lag.provenNs, lagNs)) lag.provenNs = null
  const low = lagNs < lag.lowNs ? lagNs : lag.lowNs
  const high = lagNs > lag.highNs ? lagNs : lag.highNs
  const follows = lag.messages > 0 && receivedAtNs - lag.lastNs <= MAX_PAUSE_NS
  if (!follows || !isConstant(low, high)) {
    begin(lag, lagNs, receivedAtNs, 1)
    return
  }
  lag.lowNs = low
  lag.highNs = high
  lag.lastNs = receivedAtNs
  lag.messages += 1
  if (lag.messages < MIN_MESSAGES || receivedAtNs - lag.sinceNs < MIN_SPAN_NS) return
  lag.provenNs = (low + high) / 2n
  // Begins again, so that a clock that drifts is followed.
  begin(lag, lagNs, receivedAtNs, 1)
}

function begin(lag: ConstantLag, lagNs: bigint, receivedAtNs: bigint, messages: number): void {
  lag.sinceNs = receivedAtNs
  lag.lastNs = receivedAtNs
  lag.lowNs = lagNs
  lag.highNs = lagNs
  lag.messages = messages
}

function isNear(a: bigint, b: bigint): boolean {
  return a < b ? isConstant(a, b) : isConstant(b, a)
}

function isConstant(lowNs: bigint, highNs: bigint): boolean {
  const spreadNs = highNs - lowNs
  return spreadNs <= MAX_SPREAD_NS && spreadNs * MIN_LAG_PER_SPREAD <= lowNs
}
