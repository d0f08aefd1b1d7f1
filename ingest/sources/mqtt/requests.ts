import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClockSample, Intake } from '#lib/telemetry/intake.ts'
import { CLOCK_REQUEST, PROBE_REQUEST, nativeTopic } from '#lib/telemetry/topics.ts'
import type { Refusals } from './refusals.ts'

interface Fault {
  readonly path: string
  readonly expected: string
  readonly got: string
}

interface ClockRequest {
  readonly id: string | number
  readonly t1: string | number
  readonly t1Ns: bigint
  readonly previous: { readonly id: string | number; readonly t4Ns: bigint } | null
}

type ClockExchange = Omit<ClockSample, 't4'>
type Exchanges = Map<string, ClockExchange>

/**
 * How clock and probe requests are read and answered: the same functions as at the built-in broker,
 * handed over by the composition.
 */
export interface RequestRules {
  readClockRequest(payload: Uint8Array): ClockRequest | Fault
  clockAnswer(request: ClockRequest, t2Ns: bigint, t3Ns: bigint): string
  rememberExchange(exchanges: Exchanges, key: string, exchange: ClockExchange): void
  completeExchange(exchanges: Exchanges | null, key: string, t4: bigint): ClockSample | null
  probeFault(payload: Uint8Array): Fault | null
  probeAnswer(payload: Uint8Array, receivedAtNs: bigint, sentAtNs: () => bigint): string
}

export interface Request {
  readonly device: FullId
  readonly payload: Uint8Array
  /** When it was read from the socket: t2. */
  readonly atNs: bigint
}

/** Answers what devices ask of the platform through the foreign broker. */
export interface Requests {
  clock(request: Request): void
  probe(request: Request): void
}

export interface RequestsDeps {
  readonly rules: RequestRules
  readonly intake: Intake
  readonly refusals: Refusals
  readonly nowNs: () => bigint
  readonly publish: (topic: string, payload: string) => void
}

/** Devices whose last exchanges are remembered. */
const MOST_DEVICES = 20_000

export function createRequests(deps: RequestsDeps): Requests {
  const { rules, intake, refusals, nowNs, publish } = deps
  const exchanges = new Map<FullId, Exchanges>()

  return {
    clock({ device, payload, atNs: t2 }) {
      const asked = rules.readClockRequest(payload)
      if ('expected' in asked) return fault(device, CLOCK_REQUEST, 'clock_request', asked)
      const { previous, t1Ns } = asked
      const known = exchangesOf(device)
      if (previous) {
        const sample = rules.completeExchange(known, String(previous.id), previous.t4Ns)
        if (sample) intake.clockSample(device, sample)
      }
      const t3 = nowNs()
      publish(nativeTopic(device, 'clock/response'), rules.clockAnswer(asked, t2, t3))
      rules.rememberExchange(known, String(asked.id), { t1: t1Ns, t2, t3 })
    },
    probe({ device, payload, atNs }) {
      const wrong = rules.probeFault(payload)
      if (wrong) return fault(device, PROBE_REQUEST, 'probe_request', wrong)
      publish(nativeTopic(device, 'probe/response'), rules.probeAnswer(payload, atNs, nowNs))
    },
  }

  function exchangesOf(device: FullId): Exchanges {
    const known = exchanges.get(device) ?? new Map<string, ClockExchange>()
    exchanges.delete(device)
    exchanges.set(device, known)
    const [oldest] = exchanges.keys()
    if (exchanges.size > MOST_DEVICES && oldest !== undefined) exchanges.delete(oldest)
    return known
  }

  function fault(
    device: FullId,
    channel: string,
    reason: 'clock_request' | 'probe_request',
    wrong: Fault,
  ): void {
    const topic = nativeTopic(device, channel)
    const where = wrong.path === '' ? topic : `${topic}, ${wrong.path}`
    refusals.note(reason, topic, `${where}: expected ${wrong.expected}, got ${wrong.got}`)
    const notice = { topic, reason: 'schema', ...wrong, rejectionId: '', count: 1 }
    publish(nativeTopic(device, 'errors'), JSON.stringify(notice))
  }
}
