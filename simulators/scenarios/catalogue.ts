import { clockWrong } from './clock-wrong.ts'
import { faulty } from './faulty.ts'
import { fleet } from './fleet.ts'
import { meters } from './meters.ts'
import { mixed } from './mixed.ts'
import { robots } from './robots.ts'
import type { Scenario } from './scenario.ts'

/** Every scenario of `npm run simulate`; a new one is a file and a line here. */
export const SCENARIOS: readonly Scenario[] = [fleet, robots, meters, mixed, clockWrong, faulty]
