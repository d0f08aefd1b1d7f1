import { afterEach, describe, expect, it } from 'vitest'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { watch } from '../../support/live-stream.ts'

const WORD = 'x'.repeat(64)
/** Fills the buffers of a connection sooner. */
const PAD = { driverState: WORD, driver2State: WORD, triggerType: WORD }

describe('the bounds of a live stream', () => {
  const place = temporaryDir('live-bounds')
  let platform: Platform
  afterEach(async () => {
    await platform.stop()
    place.remove()
  })

  const truckOf = async () => {
    const device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
    const { username, password } = device
    const client = await platform.mqtt({ username, password, clientId: 'c' })
    let seq = 0
    const reading = (pad: object) => {
      seq += 1
      return { v: 1, kind: 'truck', ts: Date.now(), seq, data: { speedKmh: 5, ...pad } }
    }
    const publish = async (elements: number, pad: object = {}) => {
      const message = Array.from({ length: elements }, () => reading(pad))
      await client.publishAsync(device.topic, JSON.stringify(message), { qos: 1 })
    }
    return { publish, count: () => seq, end: () => client.endAsync() }
  }

  it('report one gap to a slow viewer; intake and other viewers do not wait for it', async () => {
    platform = await startPlatform({ dataDir: place.path, env: { PADBORG_LIVE_QUEUE: '200' } })
    const truck = await truckOf()
    const [slow, quick] = [await watch(platform), await watch(platform)]
    await waitFor(() => slow.lastId() !== '' && quick.lastId() !== '')
    slow.pause()
    // Each message is acknowledged, and seen by the other viewer, while the slow one reads nothing.
    for (let n = 0; n < 60; n += 1) {
      await truck.publish(500, PAD)
      await waitFor(() => quick.events.length === truck.count())
    }
    expect(quick.events.every(({ event }) => event === 'reading')).toBe(true)
    const shown = await platform.api('/metrics')
    const [, dropped] = /\npadborg_live_dropped_total (\d+)/.exec(shown.body) ?? []
    expect(Number(dropped)).toBeGreaterThan(0)
    slow.resume()
    await waitFor(() => slow.events.some(({ event }) => event === 'gap'))
    await truck.publish(1)
    await waitFor(() => slow.events.at(-1)?.data.seq === truck.count())
    const gaps = slow.events.filter(({ event }) => event === 'gap')
    const readings = slow.events.filter(({ event }) => event === 'reading')
    const lost = gaps.reduce((sum, { data }) => sum + data.dropped, 0)
    expect(gaps).toHaveLength(1)
    expect(lost).toBe(Number(dropped))
    expect(readings.length + lost).toBe(truck.count())
    // What the gap names is exactly what is missing.
    const at = slow.events.findIndex(({ event }) => event === 'gap')
    expect(gaps[0]?.data.from).toBe(slow.events[at - 1]?.id)
    expect(slow.events[at + 1]?.data.seq).toBe(at + lost + 1)
    slow.cut()
    quick.cut()
    await truck.end()
  }, 120_000)

  it('report one gap to a viewer that was away longer than the horizon', async () => {
    platform = await startPlatform({
      dataDir: place.path,
      env: { PADBORG_LIVE_HORIZON_SECONDS: '0' },
    })
    const truck = await truckOf()
    const first = await watch(platform)
    await waitFor(() => first.lastId() !== '')
    const lastId = first.lastId()
    await truck.publish(3)
    await waitFor(() => first.events.length === 3)
    const second = await watch(platform, { lastId })
    await waitFor(() => second.events.length > 0)
    await truck.publish(1)
    await waitFor(() => second.events.length > 1)
    expect(second.events.map(({ event, data }) => [event, data.seq ?? data])).toEqual([
      ['gap', { from: lastId, to: second.events[0]?.id, dropped: null }],
      ['reading', truck.count()],
    ])
    // Nothing was missed: nothing is beyond any horizon.
    const third = await watch(platform, { lastId: second.lastId() })
    await waitFor(() => third.text().includes('\nid: '))
    await truck.publish(1)
    await waitFor(() => third.events.length > 0)
    expect(third.events.map(({ event }) => event)).toEqual(['reading'])
    for (const stream of [first, second, third]) stream.cut()
    await truck.end()
  })
})
