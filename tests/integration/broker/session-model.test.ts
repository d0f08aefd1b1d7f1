import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SEED } from '../../support/random-runs.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { sessionSteps } from './session-model/commands.ts'
import { World } from './session-model/world.ts'

/** Steps of all worlds together; a million in `npm run long`. */
const STEPS = Number(process.env['SESSION_STEPS'] ?? 10_000)
/** Worlds that share the broker: while one waits for its disk, the others go on. */
const WORLDS = 4

describe('the sessions of a broker', () => {
  let test: TestBroker
  beforeAll(async () => {
    test = await startBroker({ maxOfflineMessages: 100_000 })
  })
  afterAll(() => test.close())

  it(`do what MQTT 3.1.1 says, in ${STEPS} random steps of clients that come, go and take over`, async () => {
    let steps = 0
    const runs = Array.from({ length: WORLDS }, async (_, at) => {
      const property = runInWorlds(
        (count) => new World(test, `w${at}n${count}`),
        () => (steps += 1),
      )
      for (let round = 0; steps < STEPS; round += 1) {
        await fc.assert(property, { seed: SEED + at * 1_000_003 + round, numRuns: 5 })
      }
    })
    await Promise.all(runs)
    expect(steps).toBeGreaterThanOrEqual(STEPS)
    expect(test.log.filter(({ level }) => level === 'error')).toEqual([])
  })
})

/** One world for all runs; another one after a run that failed, because it left something behind. */
function runInWorlds(create: (count: number) => World, onStep: () => void) {
  let world: World | null = null
  let count = 0
  return fc.asyncProperty(sessionSteps, async (commands) => {
    const current = world ?? create((count += 1))
    world = null
    await current.reset()
    await fc.asyncModelRun(() => ({ model: { world: current, onStep }, real: current }), commands)
    world = current
  })
}
