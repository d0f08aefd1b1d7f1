import { clamp, normal, toStep, wander } from './chance.ts'
import { drawDelay, type Delay, type Rat } from './delay-profile.ts'
import type { Step } from './model.ts'
import { distanceM, type Place } from './route.ts'

export interface Cell extends Place {
  readonly id: string
  readonly rat: Rat
  readonly band: string
  /** Network as MCC-MNC. */
  readonly operator: string
  /** Received power at one kilometre, dBm. */
  readonly at1kmDbm: number
}

/** A place without service. */
export interface DeadZone extends Place {
  readonly radiusM: number
}

export interface RadioMap {
  readonly cells: readonly Cell[]
  readonly deadZones: readonly DeadZone[]
}

export interface RadioState {
  readonly cellId: string | null
  readonly place: Place | null
  /** Slow fading by obstacles between device and mast, dB. */
  readonly shadowDb: number
}

export interface RadioInput {
  readonly map: RadioMap
  readonly place: Place
}

/** The radio part of a reading, in the public names of its fields. */
export interface RadioValues {
  readonly rat: Rat
  readonly rsrpDbm: number
  readonly rsrqDb: number
  readonly sinrDb: number
  readonly cellId: string
  readonly band: string
  readonly operator: string
}

export interface RadioOutput {
  /** Null without service. */
  readonly radio: RadioValues | null
  readonly delay: Delay | null
}

/** Path loss exponent of the countryside. */
const DECAY = 3
const SHADOW_DB = 5
const SHADOW_M = 80
/** A cell must be better by this much before the device changes to it (event A3). */
const HYSTERESIS_DB = 3
/** Below this no service. */
const SENSITIVITY_DBM = -122

export function startRadio(): RadioState {
  return { cellId: null, place: null, shadowDb: 0 }
}

export const stepRadio: Step<RadioState, RadioInput, RadioOutput> = (
  state,
  { map, place },
  _dtMs,
  random,
) => {
  const movedM = state.place ? distanceM(state.place, place) : Infinity
  const shadowDb = wander(state.shadowDb, Math.exp(-movedM / SHADOW_M), SHADOW_DB, random)
  const best = choose(map, place, state.cellId)
  // Drawn in any case, so that the numbers after a dead zone do not depend on it.
  const fastDb = normal(random, 0, 1)
  const interferenceDb = normal(random, 0, 1.5)
  const dead = map.deadZones.some((zone) => distanceM(zone, place) < zone.radiusM)
  if (!best || dead || best.dbm + shadowDb < SENSITIVITY_DBM) {
    return { state: { cellId: null, place, shadowDb }, output: { radio: null, delay: null } }
  }
  const { cell } = best
  const rsrpDbm = clamp(best.dbm + shadowDb + fastDb, -140, -44)
  const radio = valuesOf(cell, rsrpDbm, interferenceDb)
  const delay = drawDelay(cell.rat, radio.sinrDb, random)
  return { state: { cellId: cell.id, place, shadowDb }, output: { radio, delay } }
}

/** SINR and RSRQ follow the power as in recorded runs: -85 dBm and 17 dB, -70 and 24. */
function valuesOf(cell: Cell, rsrpDbm: number, interferenceDb: number): RadioValues {
  const sinrDb = clamp(17 + (rsrpDbm + 85) * 0.45 + interferenceDb, -20, 35)
  return {
    rat: cell.rat,
    rsrpDbm: toStep(rsrpDbm, 1),
    rsrqDb: toStep(clamp(-10.8 + (sinrDb - 17) * 0.25, -19.5, -3), 0.5),
    sinrDb: toStep(sinrDb, 0.5),
    cellId: cell.id,
    band: cell.band,
    operator: cell.operator,
  }
}

function choose(
  { cells }: RadioMap,
  place: Place,
  serving: string | null,
): { readonly cell: Cell; readonly dbm: number } | null {
  let best: { readonly cell: Cell; readonly dbm: number; readonly rank: number } | null = null
  for (const cell of cells) {
    const dbm = powerDbm(cell, place)
    const rank = cell.id === serving ? dbm + HYSTERESIS_DB : dbm
    if (!best || rank > best.rank) best = { cell, dbm, rank }
  }
  return best
}

/** Received power without fading. */
export function powerDbm(cell: Cell, place: Place): number {
  const km = Math.max(distanceM(cell, place), 50) / 1000
  return cell.at1kmDbm - 10 * DECAY * Math.log10(km)
}
