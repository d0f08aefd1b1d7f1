import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

const MAX = 64

describe('a device that publishes on ever new topics', () => {
  const dir = temporaryDir('channels')
  let platform: Platform

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
  })
  afterAll(async () => {
    await platform.kill()
    dir.remove()
  })

  it('has its channels limited: further ones are rejected, counted and reported to it', async () => {
    const topics = ['ch/#']
    const device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck', topics })
    const client = await platform.mqtt({ username: device.username, password: device.password })
    const errors: string[] = []
    client.on('message', (_topic, payload) => errors.push(payload.toString()))
    await client.subscribeAsync('padborg/v1/acme/t1/errors')
    const publish = (topic: string, seq: number) =>
      client.publishAsync(
        topic,
        JSON.stringify({ v: 1, kind: 'truck', seq, ts: Date.now(), data: { speedKmh: 5 } }),
        { qos: 1 },
      )
    for (let n = 0; n < MAX + 36; n += 1) await publish(`ch/${n}`, 1)
    // Channels that are known go on.
    await publish('ch/0', 2)
    await delivered({ accepted: MAX + 37, stored: MAX + 1, rejected: 36 })
    await waitFor(() => errors.some((text) => text.includes('too_many_channels')))
    const { body } = await platform.api('/rejections?reason=too_many_channels&order=desc')
    expect(body.data[0]).toMatchObject({
      expected: 'one of the 64 channels that the device has published on before',
      got: 'the new channel ch/99',
    })

    await client.endAsync()
    await platform.stop()
    platform = await startPlatform({ dataDir: dir.path })
    const again = await platform.mqtt({ username: device.username, password: device.password })
    const payload = JSON.stringify({ v: 1, kind: 'truck', seq: 3, data: { speedKmh: 5 } })
    await again.publishAsync('ch/0', payload, { qos: 1 })
    await again.publishAsync('ch/another', payload, { qos: 1 })
    await delivered({ accepted: MAX + 39, stored: MAX + 2, rejected: 37 })
    await again.endAsync()
  })

  /** Waits until nothing is pending of as many messages as are expected. */
  async function delivered(expected: { accepted: number; stored: number; rejected: number }) {
    const row = await waitFor(async () => {
      const { body } = await platform.api('/delivery?device=acme.t1')
      const [first] = body.data
      return first?.pending === 0 && first.accepted >= expected.accepted && first
    })
    expect(row).toMatchObject(expected)
  }
})
