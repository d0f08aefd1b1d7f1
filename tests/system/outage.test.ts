import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { compareWithStore, createFleet, settledDelivery } from '../support/fleet.ts'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

const MIB = 1024 * 1024
const canMount = process.getuid?.() === 0 && process.platform === 'linux' && mountWorks()
if (!canMount) {
  process.stderr.write('outage tests on a full tmpfs are skipped: they need root on Linux\n')
}

describe.skipIf(!canMount)('a full disk (tmpfs, as root)', () => {
  let dir = temporaryDir('full')
  let platform: Platform | null = null

  afterEach(async () => {
    await platform?.kill()
    umount(dir.path)
    umount(join(dir.path, 'store'))
    umount(dir.path)
    dir.remove()
    dir = temporaryDir('full')
  })

  it('stops acknowledging, reports it, and continues by itself when there is space', async () => {
    mountTmpfs(dir.path, 96 * MIB)
    const env = { PADBORG_JOURNAL_SEGMENT_BYTES: String(2 * MIB), PADBORG_LOG_LEVEL: 'info' }
    platform = await startPlatform({ dataDir: dir.path, env })
    const fleet = await createFleet(platform, { tenant: 'acme', size: 6, seed: 1 })
    const load = await fleet.run(platform)
    await waitFor(() => fleet.ackedCount() > 500)
    const filler = join(dir.path, 'filler')
    const { api } = platform
    await waitFor(
      async () => {
        fill(dir.path, filler)
        return (await api('/health/ready')).status === 503
      },
      { timeoutMs: 60_000, what: '/health/ready answers 503' },
    )
    const during = await standsStill(() => fleet.ackedCount())
    const health = await platform.api('/health/ready')
    expect(health.status).toBe(503)
    expect(JSON.stringify(health.body)).toMatch(/space|ENOSPC|full/i)
    expect((await platform.api('/health/live')).status).toBe(200)

    rmSync(filler, { force: true })
    await waitFor(() => fleet.ackedCount() > during + 500, { timeoutMs: 30_000 })
    await load.stop()
    await waitFor(async () => (await api('/health/ready')).status === 200, { timeoutMs: 30_000 })
    await settledDelivery(platform, 60_000)
    expect(await compareWithStore(platform, fleet.truth)).toEqual([])
    expect(await platform.stop()).toBe(0)
  }, 180_000)

  it('acknowledges 20 000 messages while only the store cannot be written', async () => {
    const store = join(dir.path, 'store')
    mountTmpfs(dir.path, 512 * MIB)
    mkdirSync(store)
    mountTmpfs(store, 24 * MIB)
    platform = await startPlatform({ dataDir: dir.path })
    const fleet = await createFleet(platform, { tenant: 'acme', size: 6, seed: 2, window: 2 })
    const load = await fleet.run(platform)
    const { api } = platform
    await waitFor(async () => {
      const { body } = await api('/delivery')
      return body.data.every((row: { stored: number }) => row.stored > 0)
    })
    const filler = join(store, 'filler')
    await waitFor(
      async () => {
        fill(store, filler)
        const { body } = await api('/health/ready')
        return JSON.stringify(body).includes('store')
      },
      { timeoutMs: 60_000, what: 'the store refuses' },
    )
    const before = fleet.ackedCount()
    await waitFor(() => fleet.ackedCount() > before + 20_000, { timeoutMs: 120_000 })

    rmSync(filler, { force: true })
    execFileSync('mount', ['-o', `remount,size=${400 * MIB}`, store])
    await load.stop()
    await settledDelivery(platform, 90_000)
    expect(await compareWithStore(platform, fleet.truth)).toEqual([])
    expect(await platform.stop()).toBe(0)
  }, 240_000)

  it('makes the files of the store when there is room, where there was none for the first', async () => {
    const store = join(dir.path, 'store')
    mountTmpfs(dir.path, 512 * MIB)
    mkdirSync(store)
    mountTmpfs(store, 24 * MIB)
    platform = await startPlatform({ dataDir: dir.path })
    const fleet = await createFleet(platform, { tenant: 'acme', size: 6, seed: 4 })
    const filler = join(store, 'filler')
    fill(store, filler)
    const load = await fleet.run(platform)
    const { api } = platform
    await waitFor(
      async () => {
        fill(store, filler)
        const { body } = await api('/health/ready')
        return JSON.stringify(body).includes('store')
      },
      { timeoutMs: 60_000, what: 'the store refuses' },
    )
    await load.stop()
    rmSync(filler, { force: true })
    await settledDelivery(platform, 60_000)
    expect(await compareWithStore(platform, fleet.truth)).toEqual([])
    expect(await platform.stop()).toBe(0)
  }, 120_000)
})

describe('SIGTERM under load', () => {
  const dir = temporaryDir('term')
  let platform: Platform | null = null

  afterEach(async () => {
    await platform?.kill()
    dir.remove()
  })

  it('ends cleanly, and nothing acknowledged is missing afterwards', async () => {
    platform = await startPlatform({ dataDir: dir.path })
    const fleet = await createFleet(platform, { tenant: 'acme', size: 6, seed: 3 })
    for (let round = 0; round < 3; round += 1) {
      const load = await fleet.run(platform)
      const before = fleet.ackedCount()
      await waitFor(() => fleet.ackedCount() > before + 400)
      expect(await platform.stop()).toBe(0)
      await load.stop()
      platform = await startPlatform({ dataDir: dir.path })
    }
    await settledDelivery(platform)
    expect(await compareWithStore(platform, fleet.truth)).toEqual([])
  }, 120_000)
})

/** Waits until a count does not move for a second, and answers it. */
async function standsStill(count: () => number): Promise<number> {
  let last = count()
  let since = performance.now()
  await waitFor(
    () => {
      const now = count()
      if (now !== last) {
        last = now
        since = performance.now()
      }
      return performance.now() - since > 1000
    },
    { timeoutMs: 30_000, what: 'acknowledgements stop' },
  )
  return last
}

/** Leaves not a block free. */
function fill(path: string, filler: string): void {
  for (const size of [MIB, 64 * 1024, 4096]) {
    const chunk = Buffer.alloc(size, 1)
    const { bavail, bsize } = statfsSync(path)
    try {
      for (let n = Math.ceil((bavail * bsize) / size) + 1; n > 0; n -= 1) {
        writeFileSync(filler, chunk, { flag: 'a' })
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
}

function mountTmpfs(path: string, bytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', path])
}

function umount(path: string): void {
  try {
    execFileSync('umount', ['-l', path], { stdio: 'ignore' })
  } catch {
    // It was not mounted: the test ended before that.
    return
  }
}

function mountWorks(): boolean {
  const dir = temporaryDir('mount')
  try {
    mountTmpfs(dir.path, MIB)
    execFileSync('umount', [dir.path])
    return true
  } catch {
    return false
  } finally {
    dir.remove()
  }
}
