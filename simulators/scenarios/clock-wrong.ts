import { truckMember } from './fleet.ts'
import type { Scenario } from './scenario.ts'

/** Wrong clocks as they were recorded: 46 s ahead, 30 ms behind, 12.9 days behind. */
const AHEAD_MS = [46_280, -30, -1_116_600_000]

export const clockWrong: Scenario = {
  name: 'clock-wrong',
  about: 'Trucks of which three in ten have a wrong clock.',
  member(at, context) {
    return { ...truckMember(at, context), clockAheadMs: AHEAD_MS[at % 10] ?? 0 }
  },
}
