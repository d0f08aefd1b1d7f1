import { createRobotActor } from '../actors/robot-actor.ts'
import { randomOf } from '../models/chance.ts'
import { testHall, testMap } from './course.ts'
import { shortId, type CastContext, type Member, type Scenario } from './scenario.ts'

export const robots: Scenario = {
  name: 'robots',
  about: 'Mobile robots that send states of VDA 5050 2.1.',
  member: robotMember,
}

const MANUFACTURER = 'SIM'

export function robotMember(at: number, context: CastContext): Member {
  const { tenant, seed, startMs } = context
  const id = shortId(context, 'robot', at)
  const prefix = `uagv/v2/${MANUFACTURER}/${id}`
  const actor = createRobotActor({
    device: `${tenant}.${id}`,
    name: { manufacturer: MANUFACTURER, serialNumber: id },
    prefix,
    hall: testHall,
    place: testMap.cells[0] ?? { lat: 0, lon: 0 },
    map: testMap,
    random: randomOf(seed, `robot-${at}`),
    startMs,
    // One state per turn: in a load run the rate sets the pace.
    stateEveryMs: 0,
    visualization: false,
  })
  const device = { tenant, id, kind: 'robot', format: 'vda5050', topics: [`${prefix}/#`] }
  return { device, actor, clockAheadMs: 0 }
}
