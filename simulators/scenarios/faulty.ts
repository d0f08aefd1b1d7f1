import { malformed, repeating, withFault } from '../actors/faults.ts'
import { truckMember } from './fleet.ts'
import type { Scenario } from './scenario.ts'

export const faulty: Scenario = {
  name: 'faulty',
  about: 'Trucks that break one message in 20 or repeat one in 10.',
  member(at, context) {
    const member = truckMember(at, context)
    const fault = at % 2 === 0 ? malformed(20) : repeating(10)
    return { ...member, actor: withFault(member.actor, fault) }
  },
}
