import type { Random } from '#lib/runtime/random.ts'
import { between, clamp, downToStep, normal, toStep, wander } from './chance.ts'
import type { Step } from './model.ts'
import { placeAt, type Route } from './route.ts'

/** A route that trucks drive back and forth, with a stop at either end and others between. */
export interface Course {
  readonly route: Route
  /** From this distance on, the limit in km/h; sorted, the first at 0. */
  readonly limits: readonly { readonly fromM: number; readonly speedKmh: number }[]
  readonly stops: readonly Stop[]
}

export interface Stop {
  readonly atM: number
  /** Shortest and longest time there. */
  readonly minutes: readonly [number, number]
  readonly name: string
}

export interface TruckState {
  readonly alongM: number
  /** 1 towards the end of the route, -1 back. */
  readonly direction: 1 | -1
  readonly speedMps: number
  readonly waitMs: number
  /** Where the truck will stop next. */
  readonly goalM: number
  readonly odometerM: number
  readonly engineHoursH: number
  readonly fuelL: number
  /** Set temperature and air temperature of the cargo; null without a cooling unit. */
  readonly cargo: { readonly setC: number; readonly airC: number } | null
  readonly doorOpen: boolean
  readonly weightKg: number
  /** How far driver and traffic stay below the limit. */
  readonly paceKmh: number
}

export interface TruckInput {
  readonly course: Course
  readonly ambientC: number
}

/** Fields of kind `truck`. */
export type TruckOutput = Readonly<Record<string, number | string | boolean>>

const TANK_L = 600
const LITRES_PER_M = 30 / 100_000
const IDLE_L_PER_S = 2 / 3600
/** Comfortable for a loaded truck. */
const ACCELERATION = 0.4
const BRAKING = 0.7
const REFUEL_BELOW = 0.25
const MAX_STEP_MS = 2000
const EMPTY_KG = 15_000
const FULL_KG = 40_000

export interface TruckStart {
  readonly course: Course
  /** Null: no cooling unit. */
  readonly setC: number | null
  /** Where an earlier run stopped. */
  readonly odometerM?: number | undefined
  readonly engineHoursH?: number | undefined
  readonly fuelPct?: number | undefined
  readonly alongM?: number | undefined
}

export function startTruck(start: TruckStart, random: Random): TruckState {
  const { course, setC } = start
  const alongM = start.alongM ?? random.next() * course.route.lengthM
  const direction = random.next() < 0.5 ? 1 : -1
  const drawnM = random.integer(40_000, 900_000) * 1000
  const drawnL = between(random, 0.3, 1) * TANK_L
  const odometerM = start.odometerM ?? drawnM
  return {
    alongM,
    direction,
    speedMps: 0,
    waitMs: 0,
    goalM: nextGoal(course, alongM, direction),
    odometerM,
    engineHoursH: start.engineHoursH ?? odometerM / 60_000,
    fuelL: start.fuelPct === undefined ? drawnL : (start.fuelPct / 100) * TANK_L,
    cargo: setC === null ? null : { setC, airC: setC },
    doorOpen: false,
    weightKg: random.integer(EMPTY_KG / 1000, FULL_KG / 1000) * 1000,
    paceKmh: 0,
  }
}

export const stepTruck: Step<TruckState, TruckInput, TruckOutput> = (
  state,
  input,
  dtMs,
  random,
) => {
  let next = state
  // A truck brakes before its stops: steps of more than a few seconds would pass them.
  for (let leftMs = dtMs; leftMs > 0; leftMs -= MAX_STEP_MS) {
    next = moved(next, input, Math.min(MAX_STEP_MS, leftMs), random)
  }
  return { state: next, output: truckOutput(next, input) }
}

function moved(state: TruckState, input: TruckInput, dtMs: number, random: Random): TruckState {
  const next = state.waitMs > 0 ? wait(state, dtMs, random) : drive(state, input, dtMs, random)
  return { ...next, cargo: coolCargo(next, input, dtMs, random) }
}

/** The reading of the truck in this state. */
function truckOutput(state: TruckState, { course, ambientC }: TruckInput): TruckOutput {
  const { lat, lon, headingDeg } = placeAt(course.route, state.alongM)
  const isStopped = state.waitMs > 0
  const heading = state.direction === 1 ? headingDeg : (headingDeg + 180) % 360
  return {
    lat: toStep(lat, 1e-6),
    lon: toStep(lon, 1e-6),
    // Resolutions of J1939: 1/256 km/h, 5 m, 0.05 h, 0.4 %, 10 kg, 0.03125 K (docs/domain.md 2.3).
    speedKmh: toStep(state.speedMps * 3.6, 1 / 256),
    headingDeg: toStep(heading, 0.1) % 360,
    odometerM: downToStep(state.odometerM, 5),
    engineHoursH: downToStep(state.engineHoursH, 0.05),
    fuelPct: toStep((state.fuelL / TANK_L) * 100, 0.4),
    gcwKg: toStep(state.weightKg, 10),
    ambientC: toStep(ambientC, 0.03125),
    ...(state.cargo ? { cargoTemp1C: toStep(state.cargo.airC, 0.1) } : {}),
    ...(state.cargo ? { cargoDoorOpen: state.doorOpen } : {}),
    ignition: !isStopped,
    driverState: isStopped ? 'REST' : 'DRIVE',
  }
}

function wait(state: TruckState, dtMs: number, random: Random): TruckState {
  const waitMs = state.waitMs - dtMs
  if (waitMs > 0) return { ...state, waitMs, speedMps: 0 }
  const weightKg = random.integer(EMPTY_KG / 1000, FULL_KG / 1000) * 1000
  const fuelL = state.fuelL < REFUEL_BELOW * TANK_L ? TANK_L : state.fuelL
  return { ...state, waitMs: 0, speedMps: 0, doorOpen: false, weightKg, fuelL }
}

function drive(
  state: TruckState,
  { course }: TruckInput,
  dtMs: number,
  random: Random,
): TruckState {
  const seconds = dtMs / 1000
  const leftM = Math.abs(state.goalM - state.alongM)
  const paceKmh = wander(state.paceKmh, Math.exp(-seconds / 60), 4, random)
  const limitMps = allowedMps(course, { ...state, paceKmh }, seconds)
  // The speed from which the truck can still stop at its goal.
  const haltMps = Math.sqrt(2 * BRAKING * leftM)
  const wanted = Math.min(limitMps, haltMps, state.speedMps + ACCELERATION * seconds)
  const speedMps = Math.max(wanted, 0.5)
  const stepM = Math.min(leftM, ((state.speedMps + speedMps) / 2) * seconds)
  const moved: TruckState = {
    ...state,
    paceKmh,
    speedMps,
    alongM: state.alongM + stepM * state.direction,
    odometerM: state.odometerM + stepM,
    engineHoursH: state.engineHoursH + seconds / 3600,
    fuelL: Math.max(0, state.fuelL - stepM * LITRES_PER_M - seconds * IDLE_L_PER_S),
  }
  return leftM - stepM < 1 ? halt(moved, course, random) : moved
}

function halt(state: TruckState, course: Course, random: Random): TruckState {
  const { lengthM } = course.route
  const alongM = state.goalM
  const turns = alongM <= 0 ? 1 : alongM >= lengthM ? -1 : state.direction
  const stop = course.stops.find(({ atM }) => Math.abs(atM - alongM) < 1)
  const [shortest, longest] = stop?.minutes ?? [1, 3]
  const waitMs = Math.round(between(random, shortest, longest) * 60_000)
  const goalM = nextGoal(course, alongM, turns)
  return { ...state, alongM, direction: turns, speedMps: 0, waitMs, goalM, doorOpen: true }
}

function nextGoal({ stops, route }: Course, alongM: number, direction: 1 | -1): number {
  const ahead = [0, route.lengthM, ...stops.map(({ atM }) => atM)]
    .map((atM) => ({ atM, leftM: (atM - alongM) * direction }))
    .filter(({ leftM }) => leftM > 1)
    .toSorted((a, b) => a.leftM - b.leftM)
  return ahead[0]?.atM ?? (direction === 1 ? route.lengthM : 0)
}

/** Looks ahead by braking distance and step: a lower limit is kept from its beginning. */
function allowedMps({ limits }: Course, state: TruckState, seconds: number): number {
  const { alongM, direction, paceKmh } = state
  const stepM = state.speedMps * seconds
  let lowest = Infinity
  for (const [at, { fromM, speedKmh }] of limits.entries()) {
    const toM = limits[at + 1]?.fromM ?? Infinity
    const nearM = (direction === 1 ? fromM - alongM : alongM - toM) - stepM
    const isPassed = direction === 1 ? toM <= alongM : fromM > alongM
    if (isPassed) continue
    const limit = (speedKmh - clamp(3 + paceKmh, 0, speedKmh / 2)) / 3.6
    const allowed = nearM <= 0 ? limit : Math.sqrt(limit * limit + 2 * BRAKING * nearM)
    lowest = Math.min(lowest, allowed)
  }
  return lowest
}

/** The air follows its set point within minutes, and the outside temperature while the door is open. */
function coolCargo(
  state: TruckState,
  { ambientC }: TruckInput,
  dtMs: number,
  random: Random,
): TruckState['cargo'] {
  if (!state.cargo) return null
  const { setC, airC } = state.cargo
  const towardsC = state.doorOpen ? setC + (ambientC - setC) * 0.35 : setC
  const share = 1 - Math.exp(-dtMs / 600_000)
  const noiseC = normal(random, 0, 0.03 * Math.sqrt(Math.min(dtMs, 60_000) / 1000))
  return { setC, airC: airC + (towardsC - airC) * share + noiseC }
}
