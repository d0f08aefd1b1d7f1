import type { FullId } from '#lib/telemetry/ids.ts'
import type { DeviceNotice } from '#lib/telemetry/intake.ts'
import { rejectionId, type RejectedMessage } from './rejected-message.ts'

/** A token bucket: one token refills every `60 s / perMinute`. */
interface Allowance {
  tokens: number
  refilledAtNs: bigint
  /** Rejections since the last notice. */
  rejections: number
}

/** Turns rejections into messages for the `errors` topic, at most so many per device and minute. */
export class ThrottledNotices {
  readonly #perMinute: number
  readonly #allowances = new Map<FullId, Allowance>()

  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  /** Notices that may be sent now. */
  from(rejected: readonly RejectedMessage[], nowNs: bigint): readonly DeviceNotice[] {
    const notices: DeviceNotice[] = []
    for (const { message, refused } of rejected) {
      const first = refused[0]
      // A replay is the operator's doing; the device has had its notice.
      if (!first || message.origin) continue
      const allowance = this.#refill(message.device, nowNs)
      allowance.rejections += refused.length
      if (allowance.tokens < 1) continue
      allowance.tokens -= 1
      const { reason, path, expected, got, elementIndex } = first
      const { device, topic, position } = message
      const id = rejectionId(position, elementIndex)
      const count = allowance.rejections
      notices.push({ device, topic, reason, path, expected, got, rejectionId: id, count })
      allowance.rejections = 0
    }
    return notices
  }

  #refill(device: FullId, nowNs: bigint): Allowance {
    const perMinute = this.#perMinute
    const full = { tokens: perMinute, refilledAtNs: nowNs, rejections: 0 }
    const known = this.#allowances.get(device) ?? full
    this.#allowances.set(device, known)
    const elapsedMs = Number((nowNs - known.refilledAtNs) / 1_000_000n)
    known.tokens = Math.min(perMinute, known.tokens + (Math.max(0, elapsedMs) * perMinute) / 60_000)
    known.refilledAtNs = nowNs
    return known
  }
}
