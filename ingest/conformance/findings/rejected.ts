import type { RejectionReason } from '#lib/telemetry/rejection.ts'
import type { Evidence, Judgement, RejectionGroup } from '../judgement.ts'
import { instantText } from '../wording.ts'

/** What helps against each reason; the group says what was expected. */
const ADVICE: Readonly<Record<RejectionReason, string>> = {
  malformed: 'send a payload that the format of the device can read',
  schema: 'send this field as expected',
  kind: 'send readings of the kind the device is registered with, or register it with this kind',
  unknown_device: 'register the device, or send under the id it is registered with',
  unit_unknown: 'give the unit in the payload, or among the settings of the device',
  too_old: 'send readings while they are younger than the retention, and check the clock',
  store_refused: 'tell the operator: the store does not take this value',
}

/** After so long without it a fault counts as mended, if good messages came meanwhile. */
const MENDED_AFTER_NS = 120_000_000_000n

/** Rejections of the device: one finding for each reason and place. */
export const rejected: Judgement = {
  codes: Object.keys(ADVICE),
  judge: (evidence) =>
    evidence.rejected.map((group) => {
      const { reason, path, count, expected, got, value, lastAtNs } = group
      const mended = isMended(group, evidence)
      const times = count === 1 ? 'once' : `${count} times`
      const until = mended ? '; good messages have come since' : ''
      return {
        code: reason,
        severity: mended ? 'warning' : 'error',
        path,
        example: `got ${got}: ${value} (${times}, last at ${instantText(lastAtNs)}${until})`,
        advice: `expected ${expected}; ${ADVICE[reason]}`,
      }
    }),
}

function isMended({ lastAtNs }: RejectionGroup, { last, nowNs }: Evidence): boolean {
  const isBetter = last.some(({ receivedAtNs }) => receivedAtNs > lastAtNs)
  return isBetter && nowNs - lastAtNs > MENDED_AFTER_NS
}
