import type { FullId } from '#lib/telemetry/ids.ts'
import type { DeviceNotice } from '#lib/telemetry/intake.ts'
import { rejectionId, type RejectedMessage } from './rejection-log.ts'

/** Turns rejections into messages for the `errors` topic, so many per device and minute. */
export interface NoticeBoard {
  /** Notices that may be sent now. */
  from(rejected: readonly RejectedMessage[], nowNs: bigint): readonly DeviceNotice[]
}

interface Allowance {
  /** Tokens left; one refills every `60 s / perMinute`. */
  tokens: number
  refilledAtNs: bigint
  /** Rejections since the last notice. */
  silent: number
}

export function createNoticeBoard(perMinute: number): NoticeBoard {
  const allowances = new Map<FullId, Allowance>()
  return {
    from(rejected, nowNs) {
      const notices: DeviceNotice[] = []
      for (const { message, refused } of rejected) {
        const first = refused[0]
        // A replay is the operator's doing; the device has been told before.
        if (!first || message.origin) continue
        const allowance = refill(message.device, nowNs)
        allowance.silent += refused.length
        if (allowance.tokens < 1) continue
        allowance.tokens -= 1
        const { reason, path, expected, got, elementIndex } = first
        const { device, topic, position } = message
        const told = rejectionId(position, elementIndex)
        notices.push({
          device,
          topic,
          reason,
          path,
          expected,
          got,
          rejectionId: told,
          count: allowance.silent,
        })
        allowance.silent = 0
      }
      return notices
    },
  }

  function refill(device: FullId, nowNs: bigint): Allowance {
    const known = allowances.get(device) ?? { tokens: perMinute, refilledAtNs: nowNs, silent: 0 }
    allowances.set(device, known)
    const elapsedMs = Number((nowNs - known.refilledAtNs) / 1_000_000n)
    known.tokens = Math.min(perMinute, known.tokens + (Math.max(0, elapsedMs) * perMinute) / 60_000)
    known.refilledAtNs = nowNs
    return known
  }
}
