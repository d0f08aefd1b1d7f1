import { writePublish } from '#lib/mqtt/publish.ts'
import { ClockExchanges } from '#lib/telemetry/device-requests/clock-request.ts'
import {
  replyToClock,
  replyToProbe,
  type DeviceRequest,
  type FaultyRequest,
} from '#lib/telemetry/device-requests/reply.ts'
import { tenantOf } from '#lib/telemetry/ids.ts'
import type { DeviceNotice, Intake } from '#lib/telemetry/intake.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import type { GrantedQos } from '../access/granted-qos.ts'
import type { Refusals } from '../access/refusals.ts'
import { prefixOf } from '../access/tenant-topics.ts'
import type { Connection } from '../connections/connection.ts'
import type { Forward } from '../publish/forward.ts'
import type { SlowSubscribers } from '../publish/slow-subscribers.ts'

export interface DeviceRepliesDeps {
  readonly intake: Intake
  readonly forward: Forward
  readonly refusals: Refusals
  readonly slow: Pick<SlowSubscribers, 'shed'>
  readonly grantedQos: GrantedQos
  readonly nowNs: () => bigint
}

/** What the platform itself sends to devices: clock responses, echoes, and what was not stored. */
export class DeviceReplies {
  readonly #deps: DeviceRepliesDeps

  constructor(deps: DeviceRepliesDeps) {
    this.#deps = deps
  }

  clock(connection: Connection, request: DeviceRequest): void {
    const exchanges = (connection.exchanges ??= new ClockExchanges())
    const faulty = replyToClock(request, exchanges, this.#deps, (topic, text) =>
      this.#send(connection, topic, text),
    )
    if (faulty) this.#reject(connection, faulty)
  }

  probe(connection: Connection, request: DeviceRequest): void {
    const faulty = replyToProbe(request, this.#deps, (topic, text) =>
      this.#send(connection, topic, text),
    )
    if (faulty) this.#reject(connection, faulty)
  }

  notify({ device, ...notice }: DeviceNotice): void {
    const prefix = prefixOf(tenantOf(device))
    this.#forward(prefix, nativeTopic(device, 'errors'), JSON.stringify(notice))
  }

  /** Straight to the socket of the device, if it subscribes there; else to who subscribes. */
  #send(connection: Connection, topic: string, text: string): void {
    const { grantedQos, slow } = this.#deps
    const { stream, prefix } = connection
    if (grantedQos(connection, topic) === null) return this.#forward(prefix, topic, text)
    if (!stream.writable) return
    if (stream.writableNeedDrain) slow.shed(connection)
    else stream.write(writePublish(topic, text, 4))
  }

  #forward(prefix: string, topic: string, text: string): void {
    const payload = Buffer.from(text)
    this.#deps.forward.send({ topic: prefix + topic, payload, qos: 0, retain: false, device: '' })
  }

  #reject(connection: Connection, { reason, text, notice }: FaultyRequest): void {
    this.#deps.refusals.note(connection, reason, text)
    this.notify(notice)
  }
}
