import type { RejectionReason } from '#lib/telemetry/rejection.ts'
import type { Evidence, FindingRule, RejectionGroup } from '../finding.ts'
import { instantText } from '../text.ts'

/** Advice for each reason. */
const ADVICE: Readonly<Record<RejectionReason, string>> = {
  malformed: 'send a payload that the format of the device can read',
  schema: 'send this field as expected',
  kind: 'send readings of the kind the device is registered with, or register it with this kind',
  unknown_device: 'register the device, or send under the id it is registered with',
  unit_unknown: 'give the unit in the payload, or among the settings of the device',
  too_old: 'send readings while they are younger than the retention, and check the clock',
  store_refused: 'tell the operator: the store refuses this value',
  too_many_channels:
    'publish on the same few topics again and again; what differs belongs into the payload',
}

/** After this time a fault counts as fixed, if good messages have come since. */
const FIXED_AFTER_NS = 120_000_000_000n

/** Rejections of the device: one finding for each reason and path. */
export const rejected: FindingRule = {
  codes: Object.keys(ADVICE),
  find: (evidence) =>
    evidence.rejected.map((group) => {
      const { reason, path, count, expected, got, value, lastAtNs } = group
      const isFixed = hasGoodSince(group, evidence)
      const times = count === 1 ? 'once' : `${count} times`
      const until = isFixed ? '; good messages have come since' : ''
      return {
        code: reason,
        severity: isFixed ? 'warning' : 'error',
        path,
        example: `got ${got}: ${value} (${times}, last at ${instantText(lastAtNs)}${until})`,
        advice: `expected ${expected}; ${ADVICE[reason]}`,
      }
    }),
}

function hasGoodSince({ lastAtNs }: RejectionGroup, { last, nowNs }: Evidence): boolean {
  const isStoredSince = last.some(({ receivedAtNs }) => receivedAtNs > lastAtNs)
  return isStoredSince && nowNs - lastAtNs > FIXED_AFTER_NS
}
