import type { Random } from '#lib/runtime/random.ts'
import { randomOf } from '../simulators/models/chance.ts'
import {
  createPlantStep,
  startPlant,
  type Plant,
  type PlantOutput,
} from '../simulators/models/heat-plant.ts'
import { startWeather, stepWeather } from '../simulators/models/weather.ts'
import type { MeterSeed } from './testbed/heat.ts'

/** What a meter measures. Temperatures have no meaning for an electricity meter. */
export interface Conditions {
  readonly powerKw: number
  readonly tFlowC: number
  readonly tReturnC: number
}

/** Weather and plants, of which each meter measures a part: so their figures are consistent. */
export interface HeatWorld {
  /** The conditions at a time, which must not decrease. */
  at(atMs: number, meter: MeterSeed): Conditions
  /** Temperature of the air, C. */
  outdoorC(atMs: number): number
}

export interface HeatWorldOptions {
  readonly plants: readonly Plant[]
  readonly seed: number
  readonly timezone: string
}

/** Length of the first step, which has none before it. */
const FIRST_STEP_MS = 3_600_000

export function createHeatWorld({ plants, seed, timezone }: HeatWorldOptions): HeatWorld {
  const weatherRandom = randomOf(seed, 'weather')
  const models = new Map(plants.map((plant) => [plant.id, modelOf(plant, seed)]))
  let weather = startWeather()
  let ambientC = 0
  let nowMs: number | null = null

  return {
    at(atMs, meter) {
      advanceTo(atMs)
      const output = models.get(meter.plant)?.output
      if (!output) throw new RangeError(`${meter.id}: expected a plant, got ${meter.plant}`)
      return partOf(output, meter)
    },
    outdoorC(atMs) {
      advanceTo(atMs)
      return ambientC
    },
  }

  function advanceTo(atMs: number): void {
    if (nowMs === null) advance(atMs, FIRST_STEP_MS)
    else if (atMs > nowMs) advance(atMs, atMs - nowMs)
  }

  function advance(atMs: number, dtMs: number): void {
    const hourOfDay = hourAt(atMs, timezone)
    const next = stepWeather(weather, { atMs }, dtMs, weatherRandom)
    weather = next.state
    ambientC = next.output
    const input = { atMs, hourOfDay, ambientC }
    for (const model of models.values()) {
      const moved = model.step(model.state, input, dtMs, model.random)
      model.state = moved.state
      model.output = moved.output
    }
    nowMs = atMs
  }
}

interface Model {
  readonly step: ReturnType<typeof createPlantStep>
  readonly random: Random
  state: ReturnType<typeof startPlant>
  output: PlantOutput | null
}

function modelOf(plant: Plant, seed: number): Model {
  const random = randomOf(seed, `plant ${plant.id}`)
  return { step: createPlantStep(plant), random, state: startPlant(plant), output: null }
}

function partOf(output: PlantOutput, { quantity, share, id }: MeterSeed): Conditions {
  if (quantity.of === 'handoff') {
    const { handoffKw, handoffFlowC, handoffReturnC } = output
    return { powerKw: handoffKw * share, tFlowC: handoffFlowC, tReturnC: handoffReturnC }
  }
  if (quantity.of === 'town') {
    const town = output.towns.find((one) => one.id === quantity.town)
    if (!town) throw new RangeError(`${id}: expected a town of the plant, got ${quantity.town}`)
    return { ...town, powerKw: town.powerKw * share }
  }
  const { itKw, totalKw, heatPumpKw } = output
  const electricKw = { it: itKw, total: totalKw, heat_pump_power: heatPumpKw }[quantity.of]
  return { powerKw: electricKw * share, tFlowC: 0, tReturnC: 0 }
}

function hourAt(atMs: number, timezone: string): number {
  const local = Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timezone)
  return local.hour + local.minute / 60
}
