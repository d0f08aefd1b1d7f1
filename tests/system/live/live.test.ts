import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { watch, type LiveStream, type WatchOptions } from '../../support/live-stream.ts'

const ENV = {
  PADBORG_LIVE_HEARTBEAT_SECONDS: '0.2',
  PADBORG_LIVE_VIEWERS: '150',
  PADBORG_LIVE_VIEWERS_PER_KEY: '110',
}

describe('a live stream', () => {
  let place: ReturnType<typeof temporaryDir>
  let platform: Platform
  const streams: LiveStream[] = []

  beforeEach(async () => {
    place = temporaryDir('live')
    platform = await startPlatform({ dataDir: place.path, env: ENV })
  })
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.cut()
    await platform.stop()
    place.remove()
  })

  /** Watches, and waits until the stream names its position. */
  async function see(options: WatchOptions = {}): Promise<LiveStream> {
    const stream = await watch(platform, options)
    streams.push(stream)
    expect(stream.status).toBe(200)
    await waitFor(() => stream.text().includes('\nid: '))
    return stream
  }

  async function deviceOf(tenant: string, id = 't1', kind = 'truck') {
    const device = await addDevice(platform, { tenant, id, kind })
    const { username, password } = device
    const client = await platform.mqtt({ username, password, clientId: device.id })
    const send = (payload: unknown) =>
      client.publishAsync(device.topic, JSON.stringify(payload), { qos: 1 })
    return { ...device, send, end: () => client.endAsync() }
  }

  async function keyOf(role: string, tenant?: string) {
    const { body } = await platform.api('/keys', { body: { role, tenant, name: role } })
    return { id: String(body.id), key: String(body.key) }
  }

  const truck = (seq: number) => ({
    v: 1,
    kind: 'truck',
    ts: Date.now(),
    seq,
    data: { speedKmh: 50, odometerM: seq, lat: 54.83, lon: 9.35 },
    radio: { rat: 'nr-sa', rsrpDbm: -85 },
  })
  const bad = { v: 1, kind: 'truck', ts: 1, seq: 1, data: { speedKmh: 'fast' } }
  const seqs = ({ events }: LiveStream) => events.map(({ data }) => data.seq)

  it('shows the rows of /readings and /rejections, the rejections of a message first', async () => {
    const device = await deviceOf('acme')
    const stream = await see()
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    expect(stream.headers['access-control-allow-origin']).toBeUndefined()
    await device.send([truck(1), bad, truck(3)])
    await waitFor(() => stream.events.length === 3)
    expect(stream.events.map(({ event }) => event)).toEqual(['rejection', 'reading', 'reading'])
    const readings = await platform.api(`/readings?device=${device.id}`)
    const rejections = await platform.api(`/rejections?device=${device.id}`)
    const rows = [...rejections.body.data, ...readings.body.data]
    expect(stream.events.map(({ data }) => data)).toEqual(rows)
    const [position] = rejections.body.data[0].id.split('.')
    const [journal] = stream.lastId().split(':')
    const ids = ['02', '0', '1'].map((index) => `${journal}:${position}.${index}`)
    expect(stream.events.map(({ id }) => id)).toEqual(ids)
    // The same rows again from the store, whichever of them was the last.
    for (const [n, lastId] of [`${journal}:${Number(position) - 1}.0`, ...ids].entries()) {
      const again = await see({ lastId })
      await waitFor(() => again.events.length >= 3 - n)
      expect(again.events).toEqual(stream.events.slice(n))
    }
    await device.end()
  })

  it('is narrowed by kind and device', async () => {
    const [t1, t2, h1] = [
      await deviceOf('acme', 't1'),
      await deviceOf('acme', 't2'),
      await deviceOf('acme', 'h1', 'heat_meter'),
    ]
    const heat = { v: 1, kind: 'heat_meter', ts: Date.now(), seq: 7, data: { energyKwh: 5 } }
    const byKind = await see({ query: '?kind=heat_meter' })
    const byDevice = await see({ query: '?device=acme.t2' })
    const all = await see()
    for (const device of [t1, t2]) await device.send([truck(1), bad])
    await h1.send([heat, bad])
    await waitFor(() => all.events.length === 6)
    for (const stream of [byKind, byDevice]) await waitFor(() => stream.events.length >= 2)
    expect(byKind.events.map(({ data }) => data.device)).toEqual(['acme.h1', 'acme.h1'])
    expect(byDevice.events.map(({ data }) => data.device)).toEqual(['acme.t2', 'acme.t2'])
    const [journal] = all.lastId().split(':')
    const again = await see({ query: '?kind=heat_meter', lastId: `${journal}:0.0` })
    await waitFor(() => again.events.length === 2)
    expect(again.events).toEqual(byKind.events)
    const unknown = await watch(platform, { query: '?device=acme.nobody' })
    expect(unknown.status).toBe(404)
    await Promise.all([t1, t2, h1].map((device) => device.end()))
  })

  it('shows another tenant nothing, whatever id it comes with', async () => {
    const acme = await deviceOf('acme')
    const beta = await deviceOf('beta')
    const { key } = await keyOf('tenant-viewer', 'beta')
    const admin = await see()
    const live = await see({ key })
    await acme.send([truck(1), bad])
    await waitFor(() => admin.events.length === 2)
    const ids = admin.events.map(({ id }) => id)
    const [journal] = admin.lastId().split(':')
    const tricks = [...ids, `${journal}:0.0`, `${journal}:0.00`, `${journal}:1.999999999`]
    const resumed = await Promise.all(tricks.map((lastId) => see({ key, lastId })))
    await beta.send(truck(2))
    for (const stream of [live, ...resumed]) {
      await waitFor(() => stream.events.length > 0)
      expect(stream.events.map(({ data }) => data.device)).toEqual(['beta.t1'])
      expect(stream.text()).not.toContain('acme')
    }
    expect((await watch(platform, { key, query: '?device=acme.t1' })).status).toBe(404)
    await Promise.all([acme.end(), beta.end()])
  })

  it('shows an engineer pseudonyms, no positions and no rejections', async () => {
    const device = await deviceOf('acme')
    const probe = { v: 1, kind: 'radio', ts: Date.now(), seq: 9, data: { rsrpDbm: -90 } }
    const { key } = await keyOf('engineer')
    const admin = await see()
    const engineer = await see({ key })
    await device.send([truck(1), bad, probe])
    await waitFor(() => admin.events.length === 3 && engineer.events.length > 0)
    const lastId = `${admin.lastId().split(':')[0]}:0.0`
    const again = await see({ key, lastId })
    await waitFor(() => again.events.length > 0)
    for (const stream of [engineer, again]) {
      expect(stream.events.map(({ data }) => data.kind)).toEqual(['radio'])
      expect(stream.text()).not.toMatch(/acme|"lat"/)
    }
    const { body } = await platform.api('/readings?kind=radio', { key })
    expect(engineer.events.map(({ data }) => data)).toEqual(body.data)
    expect((await watch(platform, { key, query: '?kind=truck' })).status).toBe(403)
    await device.end()
  })

  it('carries the current id in its heartbeats, so that a quiet filter is resumed cheaply', async () => {
    const loud = await deviceOf('acme')
    await deviceOf('acme', 'quiet')
    const admin = await see()
    const stream = await see({ query: '?device=acme.quiet' })
    const first = stream.lastId()
    await loud.send(truck(1))
    await waitFor(() => admin.events.length === 1)
    await waitFor(() => stream.lastId() !== first)
    expect(stream.lastId()).toBe(`${admin.events[0]?.id.split('.')[0]}.999999999`)
    expect(stream.events).toEqual([])
    expect(stream.text()).toContain(': heartbeat\nid: ')
    await loud.end()
  })

  it('reports a gap for an id that cannot be resumed from, and continues', async () => {
    const device = await deviceOf('acme')
    const first = await see()
    await device.send(truck(1))
    await waitFor(() => first.events.length === 1)
    await waitFor(() => first.lastId().endsWith('999999999'))
    const [journal = '', place = ''] = first.lastId().split(':')
    const foreign = journal.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
    const wrong = [`${foreign}:${place}`, 'nonsense', `${journal}:99999999.0`, `${journal}:1.-1`]
    for (const lastId of wrong) {
      const stream = await see({ lastId })
      await waitFor(() => stream.events.length > 0)
      expect(stream.events).toHaveLength(1)
      expect(stream.events[0]).toMatchObject({ event: 'gap', data: { from: null, dropped: null } })
      expect(stream.events[0]?.data.to).toBe(stream.events[0]?.id)
      const n = first.events.length + 2
      await device.send(truck(n))
      await waitFor(() => stream.events.length === 2)
      expect(stream.events[1]?.data.seq).toBe(n)
    }
    await device.end()
  })

  it('ends at once when its key is revoked or its session ends, and shows nothing after', async () => {
    const device = await deviceOf('acme')
    const { id, key } = await keyOf('tenant-viewer', 'acme')
    const byKey = await see({ key })
    const other = await see()
    const answer = await fetch(`http://127.0.0.1:${platform.ready.http}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: (await keyOf('tenant-viewer', 'acme')).key }),
    })
    const cookie = String(answer.headers.get('set-cookie')).split(';')[0] ?? ''
    const bySession = await see({ headers: { cookie } })
    await platform.api(`/keys/${id}`, { method: 'DELETE' })
    await waitFor(() => byKey.ended(), { timeoutMs: 500 })
    await fetch(`http://127.0.0.1:${platform.ready.http}/api/v1/session`, {
      method: 'DELETE',
      headers: { cookie },
    })
    await device.send(truck(1))
    await waitFor(() => other.events.length === 1)
    await waitFor(() => bySession.ended(), { timeoutMs: 3000 })
    expect([byKey.events, bySession.events]).toEqual([[], []])
    expect(other.ended()).toBe(false)
    await device.end()
  })

  it('gives 100 viewers the same, refuses more than its limits, and frees places', async () => {
    const device = await deviceOf('acme')
    const many = await Promise.all(Array.from({ length: 100 }, () => see()))
    for (let seq = 1; seq <= 50; seq += 1) await device.send(truck(seq))
    await waitFor(() => many.every(({ events }) => events.length === 50))
    const wanted = Array.from({ length: 50 }, (_, n) => n + 1)
    for (const stream of many) expect(seqs(stream)).toEqual(wanted)
    const more = await Promise.all(Array.from({ length: 20 }, () => watch(platform)))
    streams.push(...more)
    expect(more.filter(({ status }) => status === 503)).toHaveLength(10)
    const refused = more.find(({ status }) => status === 503)
    expect(refused?.headers['content-type']).toContain('application/problem+json')
    expect(refused?.headers['retry-after']).toBe('5')
    const { key } = await keyOf('tenant-viewer', 'acme')
    const others = await Promise.all(Array.from({ length: 45 }, () => watch(platform, { key })))
    streams.push(...others)
    expect(others.filter(({ status }) => status === 200)).toHaveLength(40)
    expect((await platform.api('/metrics')).body).toContain('\npadborg_live_viewers 150\n')
    for (const stream of streams.splice(0)) stream.cut()
    await waitFor(async () =>
      (await platform.api('/metrics')).body.includes('\npadborg_live_viewers 0\n'),
    )
    await see()
    await device.end()
  })

  it('ends in order when the platform stops, also for a viewer that does not read', async () => {
    const device = await deviceOf('acme')
    const [reading, sleeping] = [await see(), await see()]
    sleeping.pause()
    await device.send(truck(1))
    await waitFor(() => reading.events.length === 1)
    await device.end()
    expect(await platform.stop()).toBe(0)
    await waitFor(() => reading.ended())
    expect(platform.log()).not.toContain('took too long')
  })
})
