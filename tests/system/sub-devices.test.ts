import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  addDevice,
  deliveryOf,
  startPlatform,
  temporaryDir,
  type Platform,
  type TestDevice,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

describe('a gateway on a running platform', () => {
  const dir = temporaryDir('gateway')
  let platform: Platform
  let strict: TestDevice
  let open: TestDevice

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
    const gateway = { tenant: 'acme', kind: 'gateway', format: 'traccar' }
    strict = await addDevice(platform, { ...gateway, id: 'strict' })
    const settings = { createSubDevices: true }
    const willing = { ...gateway, id: 'open', settings }
    open = await addDevice(platform, willing)
  })

  afterAll(async () => {
    await platform.kill()
    dir.remove()
  })

  it('has its sub-devices created, and nothing is lost when it is killed meanwhile', async () => {
    await publish(open, ['v1', 'v2', 'v3'])
    await platform.kill()
    platform = await startPlatform({ dataDir: dir.path })
    await settled(open.id)
    expect(await deliveryOf(platform, open.id)).toMatchObject({ accepted: 30, stored: 30 })
    expect(await storedOf('acme.v1')).toBe(10)
    expect((await platform.api('/devices/acme.v2')).body).toMatchObject({
      kind: 'truck',
      settings: { gateway: 'open' },
    })
  })

  it('has those it may not create rejected, counted, and recovered once registered', async () => {
    await publish(strict, ['w1', 'w2'])
    await settled(strict.id)
    expect(await deliveryOf(platform, strict.id)).toMatchObject({ stored: 0, rejected: 20 })
    const { body } = await platform.api(
      `/rejections/groups?device=${strict.id}&by=reason,device,subDevice`,
    )
    const counted = body.data.map(({ group, count }: { group: object; count: number }) => ({
      ...group,
      count,
    }))
    const sort = { reason: 'unknown_device', device: strict.id, count: 10 }
    expect(counted).toEqual(
      expect.arrayContaining([
        { ...sort, subDevice: 'w1' },
        { ...sort, subDevice: 'w2' },
      ]),
    )
    const settings = { gateway: 'strict' }
    await platform.api('/devices', { body: { id: 'w1', tenant: 'acme', kind: 'truck', settings } })
    const filter = { device: strict.id }
    const replay = await platform.api('/rejections/replay', { body: { filter } })
    expect(replay.body).toEqual({ recovered: 10, again: 10, duplicate: 0 })
    await settled(strict.id)
    expect(await deliveryOf(platform, strict.id)).toMatchObject({ stored: 10, rejected: 10 })
    expect(await storedOf('acme.w1')).toBe(10)
  })

  async function publish(gateway: TestDevice, vehicles: readonly string[]): Promise<void> {
    const { username, password } = gateway
    const client = await platform.mqtt({ username, password })
    const topic = `${gateway.topic.slice(0, -'telemetry'.length)}traccar`
    const sent = vehicles.flatMap((uniqueId) =>
      Array.from({ length: 10 }, async (_, at) => {
        const fixTime = new Date(Date.now() - at * 1000).toISOString()
        const position = { fixTime, valid: true, latitude: 54.8, longitude: 9.3, speed: 10 }
        const payload = JSON.stringify({ position, device: { uniqueId } })
        await client.publishAsync(topic, payload, { qos: 1 })
      }),
    )
    await Promise.all(sent)
    await client.endAsync()
  }

  async function settled(id: string): Promise<void> {
    await waitFor(async () => (await deliveryOf(platform, id))?.pending === 0)
  }

  async function storedOf(id: string): Promise<number> {
    const { body } = await platform.api(`/readings?kind=truck&device=${id}`)
    return body.data.length
  }
})
