import { afterEach, describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import { settledDelivery, storedSeqs } from '../support/fleet.ts'
import {
  addDevice,
  deliveryOf,
  startPlatform,
  temporaryDir,
  type Platform,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

const SEED = Number(process.env['SEED'] ?? 7)

describe('the sums of /delivery', () => {
  const dir = temporaryDir('delivery')
  let platform: Platform

  afterEach(async () => {
    await platform.kill()
    dir.remove()
  })

  it(`add up in every answer, with duplicates, disorder, rubbish and restarts (SEED=${SEED})`, async () => {
    const random = createRandom(SEED)
    platform = await startPlatform({ dataDir: dir.path })
    const device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
    const good = new Map<number, string>()
    let seq = 0
    let sent = 0
    let bad = 0
    for (let round = 0; round < 4; round += 1) {
      const { username, password } = device
      const client = await platform.mqtt({ username, password })
      const pending: Promise<unknown>[] = []
      for (let n = 0; n < 400; n += 1) {
        const dice = random.integer(0, 99)
        let payload: string
        if (dice < 10) {
          bad += 1
          payload =
            ['{"v":1', '[]', '{"v":1,"kind":"robot","data":{"socPct":1}}', 'x'][dice % 4] ?? ''
        } else if (dice < 25 && good.size > 0) {
          payload = random.pick([...good.values()])
        } else {
          seq += 1
          const ts = Date.now() - (dice < 40 ? random.integer(0, 600_000) : 0)
          payload = JSON.stringify({
            v: 1,
            kind: 'truck',
            ts,
            seq,
            data: { speedKmh: dice, odometerM: seq },
          })
          good.set(seq, payload)
        }
        sent += 1
        pending.push(client.publishAsync(device.topic, payload, { qos: dice % 2 === 0 ? 1 : 2 }))
        if (n % 50 === 0) await sumsHold()
      }
      await Promise.all(pending)
      await client.endAsync()
      await sumsHold()
      if (round % 2 === 0) await platform.kill()
      else await platform.stop()
      platform = await startPlatform({ dataDir: dir.path })
    }
    await settledDelivery(platform, 5000)
    const row = await deliveryOf(platform, device.id)
    expect(row).toMatchObject({
      accepted: sent,
      rejected: bad,
      stored: good.size,
      duplicate: sent - bad - good.size,
      pending: 0,
    })
    expect((await storedSeqs(platform, device.id)).toSorted((a, b) => a - b)).toEqual([
      ...good.keys(),
    ])
  }, 120_000)

  it('move a rejection to stored when it is replayed after the cause is fixed', async () => {
    platform = await startPlatform({ dataDir: dir.path })
    const truck = await addDevice(platform, { tenant: 'acme', id: 't2', kind: 'truck' })
    const { username, password } = truck
    const client = await platform.mqtt({ username, password })
    const errors: string[] = []
    await client.subscribeAsync('padborg/v1/acme/t2/errors')
    client.on('message', (_topic, payload) => errors.push(payload.toString()))
    const robot = { v: 1, kind: 'robot', ts: Date.now(), seq: 1, data: { socPct: 80 } }
    await client.publishAsync(truck.topic, JSON.stringify(robot), { qos: 1 })
    await waitFor(() => errors.length > 0)
    expect(JSON.parse(errors[0] ?? '')).toMatchObject({
      reason: 'kind',
      topic: truck.topic,
      count: 1,
    })
    await client.endAsync()
    const { body } = await platform.api(`/rejections?device=${truck.id}`)
    expect(body.data).toHaveLength(1)
    expect(body.data[0]).toMatchObject({ device: truck.id, reason: 'kind', recoveredAt: null })
    expect(JSON.parse(Buffer.from(body.data[0].payloadBase64, 'base64').toString())).toEqual(robot)

    const again = await platform.api('/rejections/replay', { body: { ids: [body.data[0].id] } })
    expect(again.body).toEqual({ recovered: 0, again: 1, duplicate: 0 })
    await platform.api(`/devices/${truck.id}`, { method: 'DELETE' })
    await addDevice(platform, { tenant: 'acme', id: 't2', kind: 'robot' })
    const mended = await platform.api('/rejections/replay', { body: { ids: [body.data[0].id] } })
    expect(mended.body).toEqual({ recovered: 1, again: 0, duplicate: 0 })
    await waitFor(async () => (await deliveryOf(platform, truck.id)).pending === 0)
    expect(await deliveryOf(platform, truck.id)).toMatchObject({
      accepted: 1,
      stored: 1,
      rejected: 0,
    })
    const { body: after } = await platform.api(`/rejections?device=${truck.id}`)
    expect(after.data[0].recoveredAt).not.toBeNull()
    const { body: readings } = await platform.api(`/readings?kind=robot&device=${truck.id}`)
    expect(readings.data[0].fields).toEqual({ socPct: 80 })
  }, 60_000)

  async function sumsHold(): Promise<void> {
    const { body } = await platform.api('/delivery')
    for (const { accepted, stored, rejected, duplicate, pending } of body.data) {
      expect(accepted).toBe(stored + rejected + duplicate + pending)
      expect(pending).toBeGreaterThanOrEqual(0)
    }
  }
})
