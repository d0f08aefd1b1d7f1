import type { FullId } from '#lib/telemetry/ids.ts'
import { tenantOf } from '#lib/telemetry/ids.ts'
import type { DeviceNotice, Intake } from '#lib/telemetry/intake.ts'
import { CLOCK_REQUEST, PROBE_REQUEST, nativeTopic } from '#lib/telemetry/topics.ts'
import {
  clockAnswer,
  completeExchange,
  readClockRequest,
  rememberExchange,
} from './clock-requests.ts'
import type { Connection, ReadChunk } from '../connections/connection.ts'
import type { Forward } from '../publish/forward.ts'
import type { GrantedQos } from '../access/granted.ts'
import { encodePublish } from '../frames.ts'
import type { Fault } from './json-requests.ts'
import { probeAnswer, probeFault } from './probe-requests.ts'
import type { RefusalReason, Refusals } from '../access/refusals.ts'
import type { SlowSubscribers } from '../publish/slow-subscribers.ts'
import { prefixOf } from '../access/tenant-topics.ts'

export interface Request {
  readonly connection: Connection
  readonly device: FullId
  readonly payload: Uint8Array
}

/** What the platform itself says to devices: clock, echo, and what was not stored. */
export interface Answers {
  clock(request: Request, read: ReadChunk): void
  probe(request: Request, read: ReadChunk): void
  notify(notice: DeviceNotice): void
}

export interface AnswersDeps {
  readonly intake: Intake
  readonly forward: Forward
  readonly refusals: Refusals
  readonly slow: Pick<SlowSubscribers, 'shed'>
  readonly grantedQos: GrantedQos
  readonly nowNs: () => bigint
}

export function createAnswers({
  intake,
  forward,
  refusals,
  slow,
  grantedQos,
  nowNs,
}: AnswersDeps): Answers {
  return {
    clock({ connection, device, payload }, { atNs: t2 }) {
      const asked = readClockRequest(payload)
      if ('expected' in asked) {
        return fault({ connection, device, payload }, CLOCK_REQUEST, 'clock_request', asked)
      }
      const { previous, t1Ns } = asked
      if (previous) {
        const key = `${device} ${previous.id}`
        const sample = completeExchange(connection.exchanges, key, previous.t4Ns)
        if (sample) intake.clockSample(device, sample)
      }
      const t3 = nowNs()
      answer(connection, nativeTopic(device, 'clock/response'), clockAnswer(asked, t2, t3))
      const exchanges = (connection.exchanges ??= new Map())
      rememberExchange(exchanges, `${device} ${asked.id}`, { t1: t1Ns, t2, t3 })
    },
    probe({ connection, device, payload }, { atNs }) {
      const wrong = probeFault(payload)
      if (wrong)
        return fault({ connection, device, payload }, PROBE_REQUEST, 'probe_request', wrong)
      const text = probeAnswer(payload, atNs, nowNs)
      answer(connection, nativeTopic(device, 'probe/response'), text)
    },
    notify,
  }

  /** To whoever asked, with nothing between the last timestamp and its socket; else to who listens. */
  function answer(connection: Connection, topic: string, text: string): void {
    if (grantedQos(connection, topic) === null) return forwardText(connection.prefix, topic, text)
    const { stream } = connection
    if (!stream.writable) return
    if (!stream.writableNeedDrain) stream.write(encodePublish(topic, text))
    else slow.shed(connection)
  }

  function forwardText(prefix: string, topic: string, text: string): void {
    forward.send({ topic: prefix + topic, payload: Buffer.from(text), qos: 0, retain: false })
  }

  function notify({ device, ...notice }: DeviceNotice): void {
    forwardText(prefixOf(tenantOf(device)), nativeTopic(device, 'errors'), JSON.stringify(notice))
  }

  function fault(
    { connection, device }: Request,
    channel: string,
    reason: RefusalReason,
    wrong: Fault,
  ): void {
    const topic = nativeTopic(device, channel)
    const { path, expected, got } = wrong
    const where = path === '' ? topic : `${topic}, ${path}`
    refusals.note(connection, reason, `${where}: expected ${expected}, got ${got}`)
    notify({ device, topic, reason: 'schema', ...wrong, rejectionId: '', count: 1 })
  }
}
