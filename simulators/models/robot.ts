import type { Random } from '#lib/runtime/random.ts'
import { between, clamp, normal, toStep } from './chance.ts'
import type { Step } from './model.ts'

/** A hall with the nodes that robots drive between, in metres. */
export interface Hall {
  readonly mapId: string
  readonly nodes: readonly HallNode[]
}

export interface HallNode {
  readonly id: string
  readonly xM: number
  readonly yM: number
  /** What a robot does there. */
  readonly use: 'pass' | 'pick' | 'drop' | 'charge'
}

export interface RobotState {
  /** Index of the node where it is, or which it has left. */
  readonly at: number
  /** Index of the node it drives to; null while it is stopped. */
  readonly to: number | null
  readonly doneM: number
  readonly waitMs: number
  readonly thetaRad: number
  readonly speedMps: number
  readonly socPct: number
  readonly charging: boolean
  readonly loadKg: number | null
  readonly orders: number
  readonly odometerM: number
  /** Time until a person blocks the way, and how much longer. */
  readonly blockedInMs: number
  readonly blockedMs: number
}

export interface RobotInput {
  readonly hall: Hall
}

export interface RobotOutput {
  readonly xM: number
  readonly yM: number
  readonly thetaRad: number
  readonly vxMps: number
  readonly omegaRadps: number
  readonly socPct: number
  readonly batteryV: number
  readonly charging: boolean
  readonly driving: boolean
  readonly fieldViolation: boolean
  readonly loadKg: number | null
  readonly orderId: string
  readonly orders: number
  readonly lastNodeId: string
  readonly lastNodeIndex: number
  readonly sinceNodeM: number
  readonly mapId: string
  readonly score: number
  /** Something happened that a robot reports at once (VDA 5050 2.1, 6.10). */
  readonly isEvent: boolean
}

const TOP_MPS = 1.6
const ACCELERATION = 0.8
/** Percent of the battery. */
const PER_M = 0.004
const PER_S = 0.0012
const CHARGE_PER_S = 0.05
const CHARGE_BELOW = 25
const CHARGED_AT = 92

export function startRobot(hall: Hall, random: Random): RobotState {
  return {
    at: random.integer(0, hall.nodes.length - 1),
    to: null,
    doneM: 0,
    waitMs: random.integer(0, 8000),
    thetaRad: 0,
    speedMps: 0,
    socPct: between(random, 40, 95),
    charging: false,
    loadKg: null,
    orders: 0,
    odometerM: between(random, 10_000, 2_000_000),
    blockedInMs: between(random, 60_000, 900_000),
    blockedMs: 0,
  }
}

export const stepRobot: Step<RobotState, RobotInput, RobotOutput> = (
  state,
  { hall },
  dtMs,
  random,
) => {
  const aware = watchOut(state, dtMs, random)
  const moved = aware.to === null ? stand(aware, hall, dtMs, random) : drive(aware, hall, dtMs)
  const next = charge(moved, hall, dtMs)
  return { state: next, output: outputOf(next, state, hall, random) }
}

function watchOut(state: RobotState, dtMs: number, random: Random): RobotState {
  const blockedMs = Math.max(0, state.blockedMs - dtMs)
  const blockedInMs = state.blockedInMs - dtMs
  if (blockedInMs > 0) return { ...state, blockedInMs, blockedMs }
  return {
    ...state,
    blockedInMs: between(random, 300_000, 1_800_000),
    blockedMs: between(random, 2000, 9000),
  }
}

function stand(state: RobotState, hall: Hall, dtMs: number, random: Random): RobotState {
  const waitMs = Math.max(0, state.waitMs - dtMs)
  const standing = { ...state, waitMs, speedMps: 0 }
  if (waitMs > 0 || (state.charging && state.socPct < CHARGED_AT)) return standing
  const wanted = state.socPct < CHARGE_BELOW ? 'charge' : state.loadKg === null ? 'pick' : 'drop'
  const places = hall.nodes.flatMap(({ use }, at) =>
    use === wanted && at !== state.at ? [at] : [],
  )
  const to = random.pick(places.length > 0 ? places : [(state.at + 1) % hall.nodes.length])
  const from = nodeOf(hall, state.at)
  const goal = nodeOf(hall, to)
  const thetaRad = Math.atan2(goal.yM - from.yM, goal.xM - from.xM)
  return { ...standing, to, doneM: 0, thetaRad, charging: false, orders: state.orders + 1 }
}

function drive(state: RobotState, hall: Hall, dtMs: number): RobotState {
  const to = state.to ?? state.at
  const seconds = dtMs / 1000
  const leftM = lengthM(hall, state.at, to) - state.doneM
  const brakeMps = Math.sqrt(2 * ACCELERATION * Math.max(0, leftM))
  const topMps = state.blockedMs > 0 ? 0 : Math.min(TOP_MPS, brakeMps)
  const faster = state.speedMps + ACCELERATION * seconds
  const speedMps = state.blockedMs > 0 ? 0 : clamp(faster, 0.1, Math.max(0.1, topMps))
  const stepM = Math.min(leftM, speedMps * seconds)
  const moved = {
    ...state,
    speedMps,
    doneM: state.doneM + stepM,
    odometerM: state.odometerM + stepM,
    socPct: Math.max(5, state.socPct - stepM * PER_M - seconds * PER_S),
  }
  return leftM - stepM > 0.05 ? moved : arrive(moved, hall, to)
}

function arrive(state: RobotState, hall: Hall, at: number): RobotState {
  const { use } = nodeOf(hall, at)
  const picked = 150 + ((state.orders * 37) % 23) * 20
  const loadKg = use === 'pick' ? picked : use === 'drop' ? null : state.loadKg
  const waitMs = use === 'charge' ? 5000 : use === 'pass' ? 1000 : 12_000
  const charging = use === 'charge'
  return { ...state, at, to: null, doneM: 0, speedMps: 0, waitMs, loadKg, charging }
}

function charge(state: RobotState, hall: Hall, dtMs: number): RobotState {
  if (state.to !== null || nodeOf(hall, state.at).use !== 'charge') return state
  const socPct = Math.min(100, state.socPct + (CHARGE_PER_S * dtMs) / 1000)
  return { ...state, socPct, charging: true }
}

function outputOf(state: RobotState, before: RobotState, hall: Hall, random: Random): RobotOutput {
  const node = nodeOf(hall, state.at)
  const { to, doneM, thetaRad, speedMps } = state
  const driving = speedMps > 0
  return {
    xM: toStep(node.xM + Math.cos(thetaRad) * (to === null ? 0 : doneM), 0.001),
    yM: toStep(node.yM + Math.sin(thetaRad) * (to === null ? 0 : doneM), 0.001),
    thetaRad: toStep(thetaRad, 0.0001),
    vxMps: toStep(speedMps, 0.001),
    omegaRadps: 0,
    socPct: toStep(state.socPct, 0.1),
    batteryV: toStep(44 + state.socPct * 0.1 + (state.charging ? 1.5 : 0), 0.01),
    charging: state.charging,
    driving,
    fieldViolation: state.blockedMs > 0,
    loadKg: state.loadKg,
    orderId: `order-${state.orders}`,
    orders: state.orders,
    lastNodeId: node.id,
    lastNodeIndex: state.at,
    sinceNodeM: toStep(doneM, 0.001),
    mapId: hall.mapId,
    score: toStep(clamp(normal(random, 0.97, 0.01), 0, 1), 0.001),
    isEvent:
      state.at !== before.at ||
      driving !== before.speedMps > 0 ||
      state.charging !== before.charging ||
      state.loadKg !== before.loadKg ||
      state.blockedMs > 0 !== before.blockedMs > 0,
  }
}

function lengthM(hall: Hall, from: number, to: number): number {
  const [a, b] = [nodeOf(hall, from), nodeOf(hall, to)]
  return Math.hypot(b.xM - a.xM, b.yM - a.yM)
}

function nodeOf({ nodes }: Hall, at: number): HallNode {
  const node = nodes[at]
  if (!node) throw new RangeError(`a hall of ${nodes.length} nodes has none with index ${at}`)
  return node
}
