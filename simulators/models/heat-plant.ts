import type { Random } from '#lib/runtime/random.ts'
import { clamp, wander } from './chance.ts'
import type { Step } from './model.ts'

/** A data centre whose heat goes through a heat pump into a heat network, and the towns on it. */
export interface Plant {
  readonly id: string
  /** Mean load of the servers, kW. */
  readonly itKw: number
  /** Power usage effectiveness without the heat pump. */
  readonly pue: number
  /** Coefficient of performance of the heat pump at 45 C. */
  readonly cop: number
  /** Share of the heat that the pipes lose. */
  readonly loss: number
  readonly towns: readonly Town[]
}

export interface Town {
  readonly id: string
  /** Heat that the town takes from the data centre on a day of 0 C, kW. */
  readonly at0CKw: number
}

export interface PlantState {
  /** Deviation of the load and of each town's demand from its usual value, as a share. */
  readonly load: number
  readonly demand: readonly number[]
}

export interface PlantInput {
  /** Unix time, ms, and the hour of the day where the towns are. */
  readonly atMs: number
  readonly hourOfDay: number
  readonly ambientC: number
}

/** Momentary values of one plant; powers in kW, temperatures in C. */
export interface PlantOutput {
  readonly itKw: number
  readonly totalKw: number
  readonly heatPumpKw: number
  /** Heat at the boundary of the data centre. */
  readonly handoffKw: number
  readonly handoffFlowC: number
  readonly handoffReturnC: number
  readonly towns: readonly {
    readonly id: string
    readonly powerKw: number
    readonly tFlowC: number
    readonly tReturnC: number
  }[]
}

/** Hot water and circulation: the demand in summer. */
const BASE_SHARE = 0.22
/** Above this outside temperature rooms are not heated. */
const HEATING_LIMIT_C = 17
const MEMORY_MS = 3 * 3_600_000

export function startPlant({ towns }: Plant): PlantState {
  return { load: 0, demand: towns.map(() => 0) }
}

/**
 * The plant follows the demand of its towns. At every moment the heat handed off and the electricity
 * of the pump equal the heat delivered and the loss of the pipes (docs/domain.md 7.3: Q2 = Q1 + W).
 */
export function createPlantStep(plant: Plant): Step<PlantState, PlantInput, PlantOutput> {
  return (state, { atMs, hourOfDay, ambientC }, dtMs, random) => {
    const memory = Math.exp(-dtMs / MEMORY_MS)
    const load = wander(state.load, memory, 0.03, random)
    const demand = state.demand.map((share) => wander(share, memory, 0.06, random))
    const itKw = plant.itKw * clamp(1 + load + 0.03 * daytime(hourOfDay), 0.6, 1.3)
    const wantedKw = plant.towns.map(({ at0CKw }, at) =>
      demandKw(at0CKw, ambientC, hourOfDay, demand[at] ?? 0),
    )
    const cop = plant.cop - (networkFlowC(ambientC) - 72) * 0.03
    const limit = limitShare(plant, wantedKw, itKw, cop)
    const powersKw = wantedKw.map((kw) => kw * limit)
    const deliveredKw = powersKw.reduce((sum, kw) => sum + kw, 0)
    const pumpedKw = deliveredKw / (1 - plant.loss)
    const heatPumpKw = pumpedKw / cop
    const output: PlantOutput = {
      itKw,
      totalKw: itKw * plant.pue,
      heatPumpKw,
      handoffKw: pumpedKw - heatPumpKw,
      handoffFlowC: 44 + 2 * load + Math.sin(atMs / 7_000_000) * 0.4,
      handoffReturnC: 29 + demandNoise(random),
      towns: plant.towns.map(({ id }, at) => ({
        id,
        powerKw: powersKw[at] ?? 0,
        tFlowC: networkFlowC(ambientC) - 1 - at * 0.4 + demandNoise(random),
        tReturnC: 39 + at * 0.3 + (ambientC > 12 ? 3 : 0) + demandNoise(random),
      })),
    }
    return { state: { load, demand }, output }
  }
}

/** Flow temperature follows the weather, as Danish networks run it. */
function networkFlowC(ambientC: number): number {
  return clamp(78 - ambientC * 0.6, 68, 85)
}

function demandKw(at0CKw: number, ambientC: number, hourOfDay: number, deviation: number): number {
  const cold = clamp((HEATING_LIMIT_C - ambientC) / HEATING_LIMIT_C, 0, 1.8)
  const hot = BASE_SHARE * (1 + 0.5 * peaks(hourOfDay))
  const space = (1 - BASE_SHARE) * cold * (1 + 0.08 * peaks(hourOfDay))
  return at0CKw * (hot + space) * clamp(1 + deviation, 0.5, 1.5)
}

/** Morning and evening, from -1 to 1. */
function peaks(hourOfDay: number): number {
  const morning = Math.exp(-(((hourOfDay - 7) / 1.6) ** 2))
  const evening = Math.exp(-(((hourOfDay - 18.5) / 2.4) ** 2))
  const night = Math.exp(-(((hourOfDay - 2.5) / 3) ** 2))
  return clamp(morning + 0.8 * evening - 0.9 * night, -1, 1)
}

function daytime(hourOfDay: number): number {
  return Math.sin((2 * Math.PI * (hourOfDay - 9)) / 24)
}

/** No more heat than the servers make can leave the data centre. */
function limitShare(
  { loss }: Plant,
  wantedKw: readonly number[],
  itKw: number,
  cop: number,
): number {
  const pumpedKw = wantedKw.reduce((sum, kw) => sum + kw, 0) / (1 - loss)
  const mostKw = (itKw * 0.95) / (1 - 1 / cop)
  return Math.min(1, mostKw / pumpedKw)
}

function demandNoise(random: Random): number {
  return (random.next() - 0.5) * 0.3
}
