import type { Clock } from '#lib/runtime/clock.ts'
import type { ProbeResult } from '../actors/actor.ts'
import type { Delay } from '../models/delay-profile.ts'
import type { Air } from './air.ts'

export interface ExchangeDeps {
  readonly clock: Clock
  /** The device's own time. */
  readonly deviceNs: () => bigint
  readonly air: Air
  /** Publishes with QoS 0: these messages are worth nothing later. */
  readonly send: (channel: string, payload: string) => void
}

/** Keeps the clock of a device known to the platform (docs/devices.md, "The clock"). */
export interface ClockExchange {
  request(delay: Delay): void
  /** A message on `clock/response` has arrived. */
  answered(payload: string): void
}

export function createClockExchange({ deviceNs, air, send }: ExchangeDeps): ClockExchange {
  let id = 0
  let downlinkMs = 0
  let previous: { readonly id: number; readonly t4: string } | null = null

  return {
    request(delay) {
      id += 1
      downlinkMs = delay.downlinkMs
      const prev = previous ? { prev: previous } : {}
      const request = JSON.stringify({ id, t1: String(deviceNs()), ...prev })
      air.carry(delay.uplinkMs, () => send('clock/request', request))
    },
    answered(payload) {
      const answeredId = idOf(payload)
      if (answeredId !== id) return
      setTimeout(() => {
        previous = { id: answeredId, t4: String(deviceNs()) }
      }, downlinkMs)
    },
  }
}

/** Measures round trips with `probe/request`, on one clock. */
export interface ProbeExchange {
  request(delay: Delay): void
  answered(payload: string): void
}

/** Without an answer by then, the probe counts as lost. */
const LOST_AFTER_NS = 8_000_000_000n
const PADDING = 'x'.repeat(64)

export function createProbeExchange(
  { clock, air, send }: ExchangeDeps,
  report: (result: ProbeResult) => void,
): ProbeExchange {
  const open = new Map<number, { readonly sentNs: bigint; readonly downlinkMs: number }>()
  let sent = 0
  let received = 0
  let lost = 0

  return {
    request({ uplinkMs, downlinkMs }) {
      dropOld()
      sent += 1
      const id = sent
      open.set(id, { sentNs: clock.monoNs(), downlinkMs })
      air.carry(uplinkMs, () => send('probe/request', probeOf(id)))
    },
    answered(payload) {
      const id = probeIdOf(payload)
      const probe = id === null ? undefined : open.get(id)
      if (id === null || !probe) return
      setTimeout(() => {
        open.delete(id)
        received += 1
        const rttMs = Number((Number(clock.monoNs() - probe.sentNs) / 1e6).toFixed(3))
        report({ rttMs, sent, received, lost, sizeBytes: probeOf(id).length })
      }, probe.downlinkMs)
    },
  }

  function dropOld(): void {
    const now = clock.monoNs()
    for (const [id, { sentNs }] of open) {
      if (now - sentNs < LOST_AFTER_NS) continue
      open.delete(id)
      lost += 1
      report({ rttMs: null, sent, received, lost, sizeBytes: probeOf(id).length })
    }
  }
}

function probeOf(id: number): string {
  return JSON.stringify({ id, padding: PADDING })
}

/** The platform sends our own payload back as text. */
function probeIdOf(payload: string): number | null {
  const echo: unknown = JSON.parse(payload)
  const own = typeof echo === 'object' && echo !== null && 'payload' in echo ? echo.payload : null
  return typeof own === 'string' ? idOf(own) : null
}

function idOf(payload: string): number | null {
  const value: unknown = JSON.parse(payload)
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null
  return typeof id === 'number' ? id : null
}
