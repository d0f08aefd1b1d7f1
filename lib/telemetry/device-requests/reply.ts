import type { DeviceNotice, Intake } from '../intake.ts'
import type { IncomingMessage } from '../message.ts'
import { CLOCK_REQUEST, PROBE_REQUEST, nativeTopic } from '../topics.ts'
import { clockResponse, readClockRequest, type ClockExchanges } from './clock-request.ts'
import { probeFault, probeResponse } from './probe-request.ts'
import type { RequestFault } from './request-payload.ts'

/** A message on `clock/request` or `probe/request`: answered at once and never journaled. */
export type DeviceRequest = Pick<IncomingMessage, 'device' | 'payload' | 'receivedAtNs'>

/** Sends a response; there is nothing between its last timestamp and this call. */
export type SendResponse = (topic: string, text: string) => void

/** A request that cannot be answered: the notice for its device, and the log line. */
export interface FaultyRequest {
  readonly reason: 'clock_request' | 'probe_request'
  readonly notice: DeviceNotice
  readonly text: string
}

export interface ReplyDeps {
  readonly intake: Pick<Intake, 'clockSample'>
  readonly nowNs: () => bigint
}

/** Answers a clock request, and completes the exchange before it. Null: it was answered. */
export function replyToClock(
  { device, payload, receivedAtNs: t2 }: DeviceRequest,
  exchanges: ClockExchanges,
  { intake, nowNs }: ReplyDeps,
  send: SendResponse,
): FaultyRequest | null {
  const request = readClockRequest(payload)
  if ('expected' in request) return faulty(device, 'clock_request', CLOCK_REQUEST, request)
  const { id, t1Ns, previous } = request
  const sample = previous && exchanges.complete(`${device} ${previous.id}`, previous.t4Ns)
  if (sample) intake.clockSample(device, sample)
  const t3 = nowNs()
  send(nativeTopic(device, 'clock/response'), clockResponse(request, t2, t3))
  exchanges.remember(`${device} ${id}`, { t1: t1Ns, t2, t3 })
  return null
}

/** Sends the payload of a probe request back. Null: it was answered. */
export function replyToProbe(
  { device, payload, receivedAtNs }: DeviceRequest,
  { nowNs }: Pick<ReplyDeps, 'nowNs'>,
  send: SendResponse,
): FaultyRequest | null {
  const fault = probeFault(payload)
  if (fault) return faulty(device, 'probe_request', PROBE_REQUEST, fault)
  send(nativeTopic(device, 'probe/response'), probeResponse(payload, receivedAtNs, nowNs))
  return null
}

function faulty(
  device: string,
  reason: FaultyRequest['reason'],
  channel: string,
  fault: RequestFault,
): FaultyRequest {
  const topic = nativeTopic(device, channel)
  const { path, expected, got } = fault
  const where = path === '' ? topic : `${topic}, ${path}`
  return {
    reason,
    notice: { device, topic, reason: 'schema', ...fault, rejectionId: '', count: 1 },
    text: `${where}: expected ${expected}, got ${got}`,
  }
}
