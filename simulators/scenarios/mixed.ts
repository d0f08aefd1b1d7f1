import { truckMember } from './fleet.ts'
import { meterMember } from './meters.ts'
import { robotMember } from './robots.ts'
import type { Scenario } from './scenario.ts'

export const mixed: Scenario = {
  name: 'mixed',
  about: 'Five trucks, three robots and two meters of every ten devices.',
  member(at, context) {
    if (at % 10 < 5) return truckMember(at, context)
    return at % 10 < 8 ? robotMember(at, context) : meterMember(at, context)
  },
}
