import { createTruckActor } from '../actors/truck-actor.ts'
import { randomOf } from '../models/chance.ts'
import { testCourse, testMap } from './course.ts'
import { shortId, type CastContext, type Member, type Scenario } from './scenario.ts'

export const fleet: Scenario = {
  name: 'fleet',
  about: 'Trucks with native trackers and 5G modems.',
  member: truckMember,
}

export function truckMember(at: number, context: CastContext): Member {
  const { tenant, seed } = context
  const id = shortId(context, 'truck', at)
  const random = randomOf(seed, `truck-${at}`)
  const start = { course: testCourse, setC: at % 3 === 0 ? 4 : null }
  const actor = createTruckActor({ device: `${tenant}.${id}`, start, map: testMap, random })
  return { device: { tenant, id, kind: 'truck' }, actor, clockAheadMs: 0 }
}
