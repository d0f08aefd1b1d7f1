import { ClockExchanges } from '#lib/telemetry/device-requests/clock-request.ts'
import {
  replyToClock,
  replyToProbe,
  type DeviceRequest,
  type FaultyRequest,
} from '#lib/telemetry/device-requests/reply.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { DeviceNotice, Intake } from '#lib/telemetry/intake.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import { topicField, type Refusals } from './refusals.ts'

export interface DeviceRepliesDeps {
  readonly intake: Pick<Intake, 'clockSample'>
  readonly refusals: Refusals
  readonly nowNs: () => bigint
  /** Publishes at the foreign broker. */
  readonly publish: (topic: string, payload: string) => void
}

/** Devices whose last exchanges are remembered. */
const MAX_DEVICES = 20_000

/** What the platform sends to devices through the foreign broker. */
export class DeviceReplies {
  readonly #deps: DeviceRepliesDeps
  readonly #exchanges = new Map<FullId, ClockExchanges>()

  constructor(deps: DeviceRepliesDeps) {
    this.#deps = deps
  }

  clock(request: DeviceRequest): void {
    const exchanges = this.#exchangesOf(request.device)
    const faulty = replyToClock(request, exchanges, this.#deps, this.#deps.publish)
    if (faulty) this.#reject(faulty)
  }

  probe(request: DeviceRequest): void {
    const faulty = replyToProbe(request, this.#deps, this.#deps.publish)
    if (faulty) this.#reject(faulty)
  }

  notify({ device, ...notice }: DeviceNotice): void {
    // Without a device nobody subscribes, and the notice would be delivered to this source.
    if (device !== '') this.#deps.publish(nativeTopic(device, 'errors'), JSON.stringify(notice))
  }

  #exchangesOf(device: FullId): ClockExchanges {
    const known = this.#exchanges.get(device) ?? new ClockExchanges()
    this.#exchanges.delete(device)
    this.#exchanges.set(device, known)
    const [oldest] = this.#exchanges.keys()
    if (this.#exchanges.size > MAX_DEVICES && oldest !== undefined) this.#exchanges.delete(oldest)
    return known
  }

  #reject({ reason, notice, text }: FaultyRequest): void {
    this.#deps.refusals.note(reason, topicField(notice.topic), text)
    this.notify(notice)
  }
}
