import type { Device, Reading } from '../../api/rows.ts'
import { KINDS } from '../../data/kinds.ts'

const S = 1000
const MINUTE = 60 * S

/** Silence after which a device of a kind counts as late. */
const LATE_AFTER_MS: Readonly<Record<string, number>> = {
  truck: 60 * S,
  robot: 45 * S,
  probe: 60 * S,
  radio: 60 * S,
  heat_meter: 75 * MINUTE,
  energy_meter: 75 * MINUTE,
}
const LATE_AFTER_OTHERWISE_MS = 5 * MINUTE

export type Freshness = 'fresh' | 'late' | 'silent'

export interface DeviceState {
  readonly device: string
  readonly kind: string
  readonly freshness: Freshness
  readonly receivedMs: number | null
}

export function lateAfterMs(kind: string): number {
  return LATE_AFTER_MS[kind] ?? LATE_AFTER_OTHERWISE_MS
}

/**
 * Every device with the time of its last reading. Registered devices that never sent are included;
 * a role that may not list devices gets those of its readings.
 */
export function deviceStates(
  devices: readonly Device[] | null,
  readings: Iterable<Reading>,
  nowMs: number,
): DeviceState[] {
  const heard = new Map<string, { kind: string; receivedMs: number }>()
  for (const { device, kind, receivedAt } of readings) {
    const receivedMs = Date.parse(receivedAt)
    const before = heard.get(device)
    if (!before || receivedMs > before.receivedMs) heard.set(device, { kind, receivedMs })
  }
  const known = devices
    ? devices.filter(({ kind }) => kind !== 'gateway').map(({ id, kind }) => [id, kind] as const)
    : [...heard].map(([device, { kind }]) => [device, kind] as const)
  return known.map(([device, kind]) => {
    const receivedMs = heard.get(device)?.receivedMs ?? null
    return { device, kind, receivedMs, freshness: freshnessOf(kind, receivedMs, nowMs) }
  })
}

function freshnessOf(kind: string, receivedMs: number | null, nowMs: number): Freshness {
  if (receivedMs === null) return 'silent'
  return nowMs - receivedMs > lateAfterMs(kind) ? 'late' : 'fresh'
}

export interface KindSummary {
  readonly kind: string
  readonly fresh: number
  readonly late: number
  readonly silent: number
  readonly lastMs: number | null
}

export function kindSummaries(states: readonly DeviceState[]): KindSummary[] {
  const order: readonly string[] = KINDS
  const kinds = [...new Set(states.map(({ kind }) => kind))]
  kinds.sort((a, b) => order.indexOf(a) - order.indexOf(b))
  return kinds.map((kind) => {
    const ofKind = states.filter((state) => state.kind === kind)
    const count = (freshness: Freshness) =>
      ofKind.filter((state) => state.freshness === freshness).length
    const lastMs = ofKind.reduce<number | null>(
      (last, { receivedMs }) =>
        receivedMs === null || (last !== null && last > receivedMs) ? last : receivedMs,
      null,
    )
    return { kind, fresh: count('fresh'), late: count('late'), silent: count('silent'), lastMs }
  })
}
