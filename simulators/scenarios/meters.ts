import { createMeterActor } from '../actors/meter-actor.ts'
import { heatTelegram } from '../messages/wmbusmeters.ts'
import { between, randomOf, wander } from '../models/chance.ts'
import { REGISTERS, createHeatMeterStep } from '../models/heat-meter.ts'
import { shortId, type CastContext, type Member, type Scenario } from './scenario.ts'

export const meters: Scenario = {
  name: 'meters',
  about: 'Heat meters whose telegrams arrive as JSON of wmbusmeters.',
  member: meterMember,
}

/** Two telegrams of one meter must differ in their time, which has whole seconds. */
const MIN_STEP_MS = 1000

export function meterMember(at: number, context: CastContext): Member {
  const { tenant, seed } = context
  const id = shortId(context, 'meter', at)
  const random = randomOf(seed, `meter-${at}`)
  const step = createHeatMeterStep(REGISTERS.kwh)
  const meterId = String(70_000_000 + at)
  const topic = `wmbusmeters/${id}`
  const meanKw = between(random, 20, 900)
  const firstKwh = random.integer(1000, 900_000)
  let state = { energyKwh: firstKwh, volumeM3: firstKwh / 35, e8M3c: 0, e9M3c: 0, hoursH: 100 }
  let swing = 0
  let saidMs = 0
  const telegram = (atMs: number, dtMs: number) => {
    swing = wander(swing, 0.95, 0.2, random)
    const input = { powerKw: meanKw * (1 + swing), tFlowC: 72 + swing, tReturnC: 40 }
    const next = step(state, input, dtMs, random)
    state = next.state
    saidMs = Math.max(atMs, saidMs + MIN_STEP_MS)
    return { topic, payload: heatTelegram({ name: id, meterId }, next.output, saidMs) }
  }
  return {
    device: { tenant, id, kind: 'heat_meter', format: 'wmbusmeters', topics: [topic] },
    actor: createMeterActor(`${tenant}.${id}`, 1000, telegram),
    clockAheadMs: 0,
  }
}
