import { afterAll, describe, expect, it } from 'vitest'
import { join } from 'node:path'
import type { JournalFault } from '../../ingest/journal/run-journal.ts'
import { temporaryDir } from '../support/platform.ts'
import { timesRuns } from '../support/random-runs.ts'
import { runRound } from '../unit/ingest/journal/power-loss-rounds.ts'

/**
 * Hundreds of short histories on a disk that forgets what was not synced. A failure names its seed;
 * `SEED=<seed> ROUNDS=1` runs that history alone.
 */
const SEED = Number(process.env['SEED'] ?? Date.now() % 1e9)
const ROUNDS = Number(process.env['ROUNDS'] ?? timesRuns(300))
/** A broken promise shows within a few histories. */
const MUTATION_ROUNDS = 40

describe('journal on a disk that loses power', () => {
  const dir = temporaryDir('journal-power')
  afterAll(() => dir.remove())

  async function brokenPromises(fault: JournalFault, rounds: number): Promise<string[]> {
    const broken: string[] = []
    for (let round = 0; round < rounds; round += 1) {
      const seed = SEED + round
      const realDir = join(dir.path, `${fault}-${seed}`)
      const violations = await runRound({ seed, fault, realDir })
      broken.push(...violations.map((violation) => `SEED=${seed}: ${violation}`))
    }
    return broken
  }

  it('keeps every acknowledged message, in place and in order, and invents nothing', async () => {
    expect(await brokenPromises('none', ROUNDS)).toEqual([])
  })

  it.each(['no-fsync', 'early-ack'] as const)('turns red with the fault %s', async (fault) => {
    expect(await brokenPromises(fault, MUTATION_ROUNDS)).not.toEqual([])
  })
})
