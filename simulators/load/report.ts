import type { Delivery } from '../run/delivery.ts'
import type { Acknowledgements } from './acknowledgements.ts'

export interface LoadReport {
  readonly sent: number
  readonly acknowledged: number
  readonly failed: number
  readonly pubackP50Ms: number
  readonly pubackP99Ms: number
  /** Largest delay of the generator itself: above some ms it shows in the percentiles. */
  readonly maxLagMs: number
  /** Delivery counts of the platform for this run. */
  readonly stored: number
  readonly rejected: number
  readonly duplicate: number
  readonly pending: number
  readonly late: number
  /** Whether every acknowledged message is accounted for, and none that was never sent. */
  readonly addsUp: boolean
}

export interface LoadResult {
  readonly acks: Acknowledgements
  readonly before: Delivery
  readonly after: Delivery
  readonly maxLagMs: number
}

export function reportOf({ acks, before, after, maxLagMs }: LoadResult): LoadReport {
  const { sent, acknowledged, failed } = acks.counts
  const stored = after.stored - before.stored
  const rejected = after.rejected - before.rejected
  const duplicate = after.duplicate - before.duplicate
  return {
    sent,
    acknowledged,
    failed,
    pubackP50Ms: acks.percentileMs(50),
    pubackP99Ms: acks.percentileMs(99),
    maxLagMs,
    stored,
    rejected,
    duplicate,
    pending: after.pending,
    late: after.late - before.late,
    addsUp: acknowledged > 0 && acknowledged === stored + rejected + duplicate,
  }
}

export function reportText(report: LoadReport): string {
  const { sent, acknowledged, failed, stored, rejected, duplicate, pending, late } = report
  const verdict = report.addsUp
    ? 'acknowledged = stored + rejected + duplicate'
    : 'acknowledged is NOT stored + rejected + duplicate'
  return [
    `sent          ${sent}`,
    `acknowledged  ${acknowledged}${failed > 0 ? ` (${failed} failed)` : ''}`,
    `PUBACK        p50 ${report.pubackP50Ms} ms, p99 ${report.pubackP99Ms} ms`,
    `generator     at most ${report.maxLagMs.toFixed(1)} ms late`,
    `stored        ${stored} (${late} late)`,
    `rejected      ${rejected}`,
    `duplicate     ${duplicate}`,
    `pending       ${pending}`,
    verdict,
    '',
  ].join('\n')
}
