import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { settledDelivery, storedSeqs } from '../support/fleet.ts'
import {
  addDevice,
  deliveryOf,
  startPlatform,
  temporaryDir,
  type Platform,
} from '../support/platform.ts'

const MESSAGES = 400

describe('a store that was hurt while nothing ran', () => {
  const dir = temporaryDir('recovery')
  const store = join(dir.path, 'store')
  let platform: Platform
  let device: Awaited<ReturnType<typeof addDevice>>

  beforeEach(async () => {
    platform = await startPlatform({ dataDir: dir.path })
    device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
    await publish(1)
    await settledDelivery(platform)
    await platform.kill()
  })

  afterEach(async () => {
    await platform.kill()
    dir.remove()
  })

  it('is derived again from the journal when its write-ahead logs cannot be replayed', async () => {
    const logs = readdirSync(store).filter((name) => name.endsWith('.wal'))
    expect(logs.length).toBeGreaterThan(0)
    for (const name of logs) writeFileSync(join(store, name), 'rubbish '.repeat(1000))
    await goesOn()
  })

  it('is derived again when its folder is gone', async () => {
    rmSync(store, { recursive: true })
    await goesOn()
  })

  it('is derived again when the state of the intake is gone too', async () => {
    rmSync(store, { recursive: true })
    for (const name of readdirSync(dir.path)) {
      if (name.startsWith('ingest.db')) rmSync(join(dir.path, name))
    }
    await goesOn()
  })

  it('is refused when the journal is an older one', async () => {
    rmSync(join(dir.path, 'journal'), { recursive: true })
    await expect(startPlatform({ dataDir: dir.path })).rejects.toThrow(/journal/)
  })

  /** Starts, takes more, and holds everything once. */
  async function goesOn(): Promise<void> {
    platform = await startPlatform({ dataDir: dir.path })
    await publish(MESSAGES + 1)
    await settledDelivery(platform)
    const seqs = await storedSeqs(platform, device.id)
    const all = Array.from({ length: 2 * MESSAGES }, (_, at) => at + 1)
    expect(seqs.toSorted((a, b) => a - b)).toEqual(all)
    const sums = await deliveryOf(platform, device.id)
    expect(sums).toMatchObject({ accepted: all.length, stored: all.length, duplicate: 0 })
  }

  async function publish(firstSeq: number): Promise<void> {
    const { username, password, topic } = device
    const client = await platform.mqtt({ username, password })
    const sent: Promise<unknown>[] = []
    for (let seq = firstSeq; seq < firstSeq + MESSAGES; seq += 1) {
      const message = { v: 1, kind: 'truck', ts: Date.now(), seq, data: { odometerM: seq } }
      sent.push(client.publishAsync(topic, JSON.stringify(message), { qos: 1 }))
    }
    await Promise.all(sent)
    await client.endAsync()
  }
})
