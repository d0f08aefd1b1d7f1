import { afterEach, describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import { createFleet, settledDelivery, storedSeqs } from '../../support/fleet.ts'
import { startPlatform, temporaryDir, type Platform } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { watch, type SeenEvent } from '../../support/live-stream.ts'

/*
 * A viewer that loses its connection again and again, at random moments while a fleet publishes, and
 * comes back each time with the last id it had. What it saw in the end is compared with /readings.
 */
const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))

describe(`a viewer that comes back (SEED=${seed})`, () => {
  const place = temporaryDir('live-resume')
  let platform: Platform
  afterEach(async () => {
    await platform.stop()
    place.remove()
  })

  it('sees every reading once, across disconnects and kill -9', async () => {
    const random = createRandom(seed)
    platform = await startPlatform({ dataDir: place.path, env: ENV })
    // Few in flight: a viewer that falls behind for good gets a gap, which is another test.
    const fleet = await createFleet(platform, { tenant: 'acme', size: 2, seed, window: 4 })
    const seen: SeenEvent[] = []
    let lastId = ''
    let connections = 0
    const watchFor = async (n: number) => {
      const stream = await watch(platform, { lastId })
      expect(stream.status).toBe(200)
      connections += 1
      await waitFor(() => stream.events.length >= n || stream.ended(), { timeoutMs: 20_000 })
      stream.cut()
      seen.push(...stream.events)
      lastId = stream.lastId()
    }
    await waitFor(async () => {
      const stream = await watch(platform)
      await waitFor(() => stream.lastId() !== '')
      lastId = stream.lastId()
      stream.cut()
      return lastId
    })
    for (let life = 0; life < 3; life += 1) {
      const run = await fleet.run(platform)
      for (let n = 0; n < 6; n += 1) {
        await watchFor(random.integer(1, 1500))
        const acked = fleet.ackedCount()
        await waitFor(() => fleet.ackedCount() > acked + random.integer(0, 3000))
      }
      const open = await watch(platform, { lastId })
      await waitFor(() => open.events.length > random.integer(0, 500))
      await platform.kill()
      await waitFor(() => open.ended())
      seen.push(...open.events)
      lastId = open.lastId()
      await run.stop()
      platform = await startPlatform({ dataDir: place.path, env: ENV })
    }
    await settledDelivery(platform)
    const stream = await watch(platform, { lastId })
    await waitFor(async () => {
      const before = stream.events.length
      const { body } = await platform.api('/readings?kind=truck&device=acme.t0,acme.t1&every=1d')
      const stored = body.data.reduce((sum: number, row: { count: number }) => sum + row.count, 0)
      return before === stream.events.length && stored <= seen.length + before
    })
    seen.push(...stream.events)
    stream.cut()
    expect(seen.filter(({ event }) => event !== 'reading')).toEqual([])
    for (const { id } of fleet.devices) {
      const shown = seen.filter(({ data }) => data.device === id).map(({ data }) => data.seq)
      const stored = await storedSeqs(platform, id)
      expect(shown.length).toBe(new Set(shown).size)
      expect(shown.toSorted((a, b) => a - b)).toEqual(stored.toSorted((a, b) => a - b))
    }
    expect(connections).toBe(18)
  }, 120_000)
})

const ENV = { PADBORG_INGEST_SNAPSHOT_MS: '300' }
