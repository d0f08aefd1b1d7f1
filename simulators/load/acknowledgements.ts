import { build } from 'hdr-histogram-js'

/** What was sent and what was acknowledged, with the time in between. */
export interface Acknowledgements {
  sent(): void
  acknowledged(afterNs: bigint): void
  /** The connection was lost with the message. */
  failed(): void
  readonly counts: { readonly sent: number; readonly acknowledged: number; readonly failed: number }
  readonly inFlight: number
  percentileMs(percent: number): number
}

/** 10 minutes in microseconds, three digits. */
const MAX_US = 600_000_000

export function createAcknowledgements(): Acknowledgements {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: MAX_US,
    numberOfSignificantValueDigits: 3,
  })
  const counts = { sent: 0, acknowledged: 0, failed: 0 }

  return {
    sent() {
      counts.sent += 1
    },
    acknowledged(afterNs) {
      counts.acknowledged += 1
      const us = Math.max(1, Math.round(Number(afterNs) / 1000))
      histogram.recordValue(Math.min(MAX_US, us))
    },
    failed() {
      counts.failed += 1
    },
    counts,
    get inFlight() {
      return counts.sent - counts.acknowledged - counts.failed
    },
    percentileMs: (percent) => histogram.getValueAtPercentile(percent) / 1000,
  }
}
