import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import { compareWithStore, createFleet, settledDelivery } from '../support/fleet.ts'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'

// The pauses here are the experiment itself: the moment of the kill is drawn by the seed.
const ROUNDS = Number(process.env['KILL_ROUNDS'] ?? 30)
const SEED = Number(process.env['SEED'] ?? 20261124)

describe('kill -9 under load', () => {
  const dir = temporaryDir('kill')
  let platform: Platform | null = null

  afterEach(async () => {
    await platform?.kill()
    dir.remove()
  })

  it(
    `keeps every acknowledged message exactly once over ${ROUNDS} kills (SEED=${SEED})`,
    { timeout: ROUNDS * 15_000 },
    async () => {
      const random = createRandom(SEED)
      platform = await startPlatform({ dataDir: dir.path })
      const fleet = await createFleet(platform, { tenant: 'acme', size: 8, seed: SEED })
      for (let round = 0; round < ROUNDS; round += 1) {
        const load = await fleet.run(platform)
        await pause(random.integer(20, 700))
        await platform.kill()
        await load.stop()
        platform = await startPlatform({ dataDir: dir.path })
      }
      await settledDelivery(platform)
      expect(await compareWithStore(platform, fleet.truth)).toEqual([])
      expect(fleet.ackedCount()).toBeGreaterThan(ROUNDS * 50)
      expect(await platform.stop()).toBe(0)
    },
  )
})

describe('the same test with the promise broken on purpose', () => {
  const dir = temporaryDir('early-ack')
  let platform: Platform | null = null

  afterEach(async () => {
    await platform?.kill()
    dir.remove()
  })

  it(
    'finds messages missing when PUBACK comes before the write',
    { timeout: 300_000 },
    async () => {
      const env = { PADBORG_FAULT: 'early-ack', PADBORG_JOURNAL_WINDOW_MS: '50' }
      platform = await startPlatform({ dataDir: dir.path, env })
      const fleet = await createFleet(platform, { tenant: 'acme', size: 8, seed: SEED })
      let faults: string[] = []
      for (let round = 0; round < 10 && faults.length === 0; round += 1) {
        const load = await fleet.run(platform)
        await pause(300)
        await platform.kill()
        await load.stop()
        platform = await startPlatform({ dataDir: dir.path, env })
        await settledDelivery(platform)
        faults = await compareWithStore(platform, fleet.truth)
      }
      expect(faults.join()).toContain('acknowledged but missing')
    },
  )
})
