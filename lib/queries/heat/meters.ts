import { kwhOfJoules } from '#lib/kpi/heat/energy-unit.ts'
import { registerMeterOf, registerRules, type RegisterMeter } from '#lib/kpi/heat/register-meter.ts'
import type { StoreReader } from '#lib/store/store.ts'
import {
  HEAT_PLACES,
  type Boundary,
  type HeatPlace,
  type RegisterRow,
} from '#lib/telemetry/heat.ts'
import { inScope, type Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { HeatDevice } from '../intake-state.ts'
import type { DeviceInTime } from './settings-in-time.ts'
import { isTooMany, type TooMany } from '#lib/telemetry/too-many.ts'
import { HOUR_NS } from '#lib/telemetry/time-grid.ts'

/** A registered meter that counts heat at one boundary. */
export interface HeatMeter extends RegisterMeter {
  readonly device: HeatDevice
  readonly boundary: Boundary
  /** The settings its register is read by, to compare. */
  readonly rules: string
  /** When its settings held. */
  readonly valid: Span
}

/** An interval longer than this that crosses an end of the span counts on neither side of it. */
const LOOK_NS = 7n * 24n * HOUR_NS

export const METER_KINDS = ['heat_meter', 'energy_meter'] as const

export function isMeterInScope({ id, kind }: HeatDevice, scope: Scope): boolean {
  const known = METER_KINDS.find((one) => one === kind)
  return known !== undefined && inScope(scope, id) && (scope.kinds?.includes(known) ?? true)
}

export function hasNoRole({ kind, settings }: HeatDevice): boolean {
  return kind === 'heat_meter' && typeof settings['role'] !== 'string'
}

/** The meter of a device, where its role is one of the boundaries. */
export function heatMeterOf(
  { device, valid }: DeviceInTime,
  boundaries: readonly Boundary[],
): HeatMeter[] {
  const boundary = boundaries.find((one) => one === device.settings['role'])
  if (!boundary) return []
  const meter = registerMeterOf(device.settings)
  return [{ ...meter, device, boundary, rules: JSON.stringify(meter), valid }]
}

/** What a meter can be grouped by; null where its setting is missing. */
export function labelsOf({ id, settings }: HeatDevice): Record<string, string | null> {
  const placeOf = (name: HeatPlace) => {
    const value = settings[name]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const places = Object.fromEntries(HEAT_PLACES.map((name) => [name, placeOf(name)]))
  return { ...places, device: id }
}

export type Registers = ReadonlyMap<string, readonly RegisterRow[]>

interface RegisterSpan {
  readonly meters: readonly HeatMeter[]
  readonly span: Span
  /** Of each cell of this length the ends are enough; null: every row. */
  readonly cellNs: bigint | null
  readonly limit: number
}

/** Registers of a span by meter. */
export async function registersOf(
  store: StoreReader,
  { meters, span, cellNs, limit }: RegisterSpan,
  signal: AbortSignal,
): Promise<Registers | TooMany> {
  if (meters.length === 0 || span.fromNs >= span.toNs) return new Map()
  const devices = meters.map(({ device }) => device.id)
  const rows = await store.registers(
    {
      ...span,
      scope: { tenants: null, devices, kinds: METER_KINDS },
      meters: meters.map((meter) => {
        const { limitW, stepJ } = registerRules(meter)
        const limitKw = Number(limitW) / 1000
        return { device: meter.device.id, limitKw, stepKwh: kwhOfJoules(stepJ) }
      }),
      cellNs,
      lookNs: LOOK_NS,
      maxRows: limit,
    },
    signal,
  )
  if (isTooMany(rows)) return rows
  return Map.groupBy(rows, ({ device }) => device)
}
