import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { addDevice, temporaryDir, type Platform, type TestDevice } from '../support/platform.ts'
import { createVirtualClock } from '../support/virtual-clock.ts'
import { allStored, startVirtualPlatform } from '../support/virtual-platform.ts'
import { waitFor } from '../support/wait-for.ts'

const DAY_MS = 86_400_000
const TODAY = Date.parse('2026-03-10T12:00:00Z')
const LATER = TODAY + 100 * DAY_MS

describe('a clock that is 100 days ahead at a start', () => {
  const dir = temporaryDir('clock-ahead')
  const data = temporaryDir('clock-ahead-data')
  const clock = createVirtualClock(dir.path, TODAY)
  let platform: Platform
  let device: TestDevice

  afterEach(() => platform.kill())
  afterAll(() => {
    dir.remove()
    data.remove()
  })

  it('drops nothing and says so, although messages come with the wrong time', async () => {
    await start()
    device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
    await publish([1, 2, 3], TODAY)
    await platform.stop()
    for (const seq of [4, 5]) {
      // The second start meets a message that was received at the wrong time.
      clock.set(LATER)
      await start()
      await publish([seq], LATER)
      await upkept(LATER)
      expect(await readings()).toBe(3)
      const { status, body } = await platform.api('/health/ready')
      expect(status).toBe(200)
      expect(body.warnings).toEqual([expect.stringMatching(/clock .* 100\.0 days ahead/)])
      await platform.stop()
    }
  })

  it('is no longer reported once the clock is right again', async () => {
    clock.set(TODAY + 60_000)
    await start()
    await publish([6], TODAY + 60_000)
    expect(await readings()).toBe(4)
    expect((await platform.api('/health/ready')).body.warnings).toEqual([])
    await platform.stop()
  })

  it('is taken for right when an operator says so', async () => {
    clock.set(LATER)
    await start({ PADBORG_CLOCK_CONFIRM_HOURS: '0' })
    await waitFor(async () => (await readings()) === 0, { what: 'the old partition to go' })
    expect((await platform.api('/health/ready')).body.warnings).toEqual([])
  })

  async function start(env: Readonly<Record<string, string>> = {}) {
    platform = await startVirtualPlatform({
      dataDir: data.path,
      clock,
      env: { PADBORG_INGEST_SNAPSHOT_MS: '100', ...env },
    })
  }

  async function publish(numbers: readonly number[], ts: number) {
    const { username, password } = device
    const client = await platform.mqtt({ username, password })
    for (const seq of numbers) {
      const message = { v: 1, kind: 'truck', ts, seq, data: { speedKmh: 50 } }
      await client.publishAsync(device.topic, JSON.stringify(message), { qos: 1 })
    }
    await client.endAsync()
    await allStored(platform)
  }

  /** A round of upkeep ends with the checkpoint of the partition that was written to. */
  async function upkept(timeMs: number) {
    const day = new Date(timeMs).toISOString().slice(0, 10)
    const path = join(data.path, 'store', `fleet-${day}.duckdb`)
    await waitFor(
      async () => existsSync(path) && !statSync(`${path}.wal`, { throwIfNoEntry: false })?.size,
      { what: 'a checkpoint of the partition of today' },
    )
  }

  async function readings(): Promise<number> {
    const from = new Date(TODAY - DAY_MS).toISOString()
    const to = new Date(TODAY + DAY_MS).toISOString()
    const { status, body } = await platform.api(
      `/readings?kind=truck&device=${device.id}&from=${from}&to=${to}`,
    )
    // A store that drops a partition at this moment asks to try again.
    if (status === 503) return Number.NaN
    expect(status, JSON.stringify(body)).toBe(200)
    return body.data.length
  }
})
