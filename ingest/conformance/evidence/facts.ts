import { offsetAt, syncClass } from '#lib/kpi/network/clock.ts'
import type { Device } from '#lib/registry/registry.ts'
import type {
  ClockFacts,
  ConformanceFacts,
  SequenceFacts,
  TransportFacts,
} from '#lib/telemetry/conformance.ts'
import type { DeviceState } from '../../state/intake-state.ts'
import { rateAt, type Traffic } from '../traffic.ts'

/** The facts that the state of the intake has of a device. */
export function factsOf(
  device: Device,
  state: DeviceState | null,
  nowNs: bigint,
): ConformanceFacts {
  const traffic = state && state.traffic.messages > 0 ? state.traffic : null
  return {
    kind: device.kind,
    registeredFormat: device.format,
    lastFormat: traffic?.format || null,
    lastTopic: traffic?.topic ?? null,
    firstReceivedAtNs: traffic?.firstNs ?? null,
    lastReceivedAtNs: traffic?.lastNs ?? null,
    read: state?.shown.read ?? 0,
    stored: state?.shown.stored ?? 0,
    rejected: state?.shown.rejected ?? 0,
    duplicate: state?.shown.duplicate ?? 0,
    clock: state && clockFacts(state, nowNs),
    sequence: state && sequenceFacts(state),
    rate: traffic && rateAt(traffic, nowNs),
    transport: traffic && transportFacts(traffic),
    certificate: state?.certificate ?? null,
    flags: { ...traffic?.flags },
    unknownFields: { ...traffic?.unknownFields },
  }
}

/** By the channel that was heard last; null where no lag is constant. */
export function constantLagMs({ channels }: DeviceState): number | null {
  const proven = [...channels.values()].filter(({ lag }) => lag.provenNs !== null)
  const latest = proven.toSorted((a, b) => (a.lag.lastNs < b.lag.lastNs ? -1 : 1)).at(-1)
  return latest ? Number(latest.lag.provenNs) / 1e6 : null
}

function clockFacts({ clock }: DeviceState, nowNs: bigint): ClockFacts | null {
  const known = offsetAt(clock, nowNs)
  if (!known) return null
  const { offsetNs, boundNs, measuredAtNs } = known
  return {
    offsetMs: Number(offsetNs) / 1e6,
    boundMs: Number(boundNs) / 1e6,
    measuredAtNs,
    syncClass: syncClass(boundNs),
  }
}

function sequenceFacts({ channels }: DeviceState): SequenceFacts | null {
  const numbered = [...channels.values()].filter(({ loss }) => loss.last !== null)
  if (numbered.length === 0) return null
  const sum = (name: keyof SequenceFacts) =>
    numbered.reduce((total, { loss }) => total + loss[name], 0)
  return {
    received: sum('received'),
    lost: sum('lost'),
    restarts: sum('restarts'),
    reordered: sum('reordered'),
  }
}

function transportFacts(traffic: Traffic): TransportFacts {
  const { messages, qos, retained, redelivered, wills, bytes, maxBytes } = traffic
  const meanBytes = Math.round(bytes / messages)
  return { messages, qos: [...qos], retained, redelivered, wills, meanBytes, maxBytes }
}
