import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { QUERIES } from '#lib/queries/catalogue.ts'
import { watch } from '../support/live-stream.ts'
import {
  ADMIN_KEY,
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

/* Everything below /api/v1 that can be read, as an engineer and as the neighbour of another tenant. */

/** Whatever tells one of the devices: ids, names, topics, serial numbers, what it measures against. */
const TELLING = [
  'halle7',
  'Acme',
  'lager',
  'KIT4711',
  'probehost',
  '350000000000017',
  'WDB9634031L',
]
const FORMATS = ['json', 'csv'] as const
const TRUCK = { tenant: 'halle7-acme', id: 'halle7-truck' }
const DEVICE = `${TRUCK.tenant}.${TRUCK.id}`
const FOREIGN = 'lager/KIT4711/350000000000017/WDB9634031L'

describe('what an engineer and another tenant can read', () => {
  const dir = temporaryDir('pseudonyms')
  let platform: Platform
  let engineer: string
  let neighbour: string
  let live: Awaited<ReturnType<typeof watch>>

  beforeAll(async () => {
    platform = await startPlatform({ dataDir: dir.path })
    const topics = [`${FOREIGN}/#`]
    const device = await addDevice(platform, { ...TRUCK, kind: 'truck', topics })
    await platform.api('/sites', {
      body: { id: 'halle7-site', tenant: TRUCK.tenant, name: 'Acme' },
    })
    await addDevice(platform, { tenant: 'other', id: 'quiet', kind: 'truck' })
    engineer = await keyOf({ role: 'engineer', name: 'e' })
    neighbour = await keyOf({ role: 'tenant-viewer', tenant: 'other', name: 'n' })
    live = await watch(platform, { key: engineer })
    await waitFor(() => live.lastId() !== '')
    const client = await platform.mqtt(device)
    const send = (payload: unknown, topic = `${FOREIGN}/lager-channel`) =>
      client.publishAsync(topic, JSON.stringify(payload), { qos: 1 })
    for (let seq = 1; seq <= 5; seq += 1) {
      const at = { v: 1, ts: Date.now() - 60_000 + seq * 1000, seq }
      const radio = { rat: 'nr-sa', rsrpDbm: -90, cellId: 'A1', operator: '238-01' }
      await send({ ...at, kind: 'probe', data: { rttMs: 20, target: 'probehost' }, radio })
      await send({
        ...at,
        seq: seq + 5,
        kind: 'radio',
        data: { rsrpDbm: -90, lat: 54.8, lon: 9.3 },
      })
    }
    await send({ v: 1, kind: 'truck', ts: Date.now(), data: { speedKmh: 'KIT4711' } })
    await waitFor(async () => (await deliveryOf()).pending === 0 && live.events.length >= 10)
    await client.endAsync()
  })
  afterAll(async () => {
    live.cut()
    await platform.stop()
    dir.remove()
  })

  async function keyOf(body: object): Promise<string> {
    return (await platform.api('/keys', { body })).body.key
  }
  const deliveryOf = async () => (await platform.api(`/delivery?device=${DEVICE}`)).body.data[0]
  const fetchAs = (key: string, path: string, accept = 'application/json') =>
    fetch(`http://127.0.0.1:${platform.ready.http}${path}`, {
      headers: { authorization: `Bearer ${key}`, accept },
    })

  /** Every address that reads, each query also with each kind, device and interval it takes. */
  async function addresses(device: string): Promise<string[]> {
    const document = await (await fetchAs(ADMIN_KEY, '/openapi.json')).text()
    const { paths } = JSON.parse(document)
    const reads = Object.keys(paths).filter((path) => paths[path].get && !path.endsWith('/live'))
    const plain = reads.map((path) => path.replaceAll(/\{\w+\}/g, device))
    const variants = Object.values(QUERIES).flatMap(({ path, parameters }) => {
      const base = `/api/v1${path.replace(':id', device)}`
      const by = path.includes('jitter') ? ['device'] : ['device', 'tenant', 'cell', 'operator']
      return [
        ...(path === '/readings' ? ['probe', 'radio', 'truck'].map((one) => `kind=${one}`) : []),
        ...(path === '/readings' ? ['kind=probe&every=PT1H', 'kind=probe&fields=target'] : []),
        ...('by' in parameters ? by.map((one) => `by=${one}`) : []),
        'limit=1',
        `kind=probe&device=${device}&limit=2`,
        'device=nobody.knows&kind=probe',
      ].map((query) => `${base}?${query}`)
    })
    return [...plain, ...variants]
  }

  /** The whole of an answer, headers too. */
  async function textOf(key: string, path: string, format: string): Promise<[number, string]> {
    const joint = path.includes('?') ? '&' : '?'
    const response = await fetchAs(key, format === 'csv' ? `${path}${joint}as=csv` : path)
    return [response.status, JSON.stringify([...response.headers]) + (await response.text())]
  }

  async function expectNothingTold(key: string, device: string): Promise<number> {
    let answered = 0
    for (const path of await addresses(device)) {
      for (const format of FORMATS) {
        const [status, text] = await textOf(key, path, format)
        if (status === 200) answered += 1
        expect(status, path).not.toBe(500)
        for (const telling of TELLING) expect(text, `${path} as ${format}`).not.toContain(telling)
      }
    }
    return answered
  }

  const pseudonym = async () =>
    String(
      (await platform.api('/delivery', { key: engineer })).body.data.find(
        (one: { accepted: number }) => one.accepted > 0,
      ).device,
    )

  it('names no device to an engineer in JSON, CSV, pages and error texts', async () => {
    expect(await expectNothingTold(engineer, await pseudonym())).toBeGreaterThan(40)
  })

  it('names no device to an engineer in live events and their ids', async () => {
    const again = await watch(platform, {
      key: engineer,
      lastId: `${live.lastId().split(':')[0]}:0.0`,
    })
    await waitFor(() => again.events.length >= 10)
    for (const stream of [live, again]) {
      for (const telling of TELLING) expect(stream.text()).not.toContain(telling)
    }
    expect(again.events[0]?.data.channel).toMatch(/^channel-[0-9a-f]{24}$/)
    again.cut()
  })

  it('gives an engineer the same names in Parquet as in JSON', async () => {
    const path = '/api/v1/readings?kind=probe'
    const file = await fetchAs(engineer, path, 'application/vnd.apache.parquet')
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="probe.parquet"')
    const target = join(dir.path, 'probe.parquet')
    writeFileSync(target, Buffer.from(await file.arrayBuffer()))
    const connection = await (await DuckDBInstance.create()).connect()
    const read = await connection.runAndReadAll(`SELECT * FROM read_parquet('${target}')`)
    const rows = read.getRowObjectsJson()
    const { body } = await platform.api('/readings?kind=probe', { key: engineer })
    const namesOf = ({ device, tenant, channel }: Record<string, unknown>) => [
      device,
      tenant,
      channel,
    ]
    expect(rows.map(namesOf)).toEqual(body.data.map(namesOf))
    expect(rows).toHaveLength(5)
    for (const telling of TELLING) expect(JSON.stringify(rows)).not.toContain(telling)
  })

  it('tells the viewer of another tenant nothing of this one', async () => {
    expect(await expectNothingTold(neighbour, 'other.quiet')).toBeGreaterThan(40)
  })
})
