import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareWithStore, createFleet, settledDelivery, storedSeqs } from '../support/fleet.ts'
import {
  ADMIN_KEY,
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
  type TestDevice,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

/*
 * One platform is backed up while a fleet publishes, and restored elsewhere. What happened before the
 * load must be answered exactly alike; of the load itself everything acknowledged before the backup
 * began must be there, and each message at most once.
 */

const SEED = Number(process.env['SEED'] ?? 20_261_124)
const PARQUET = 'application/vnd.apache.parquet'

const dir = temporaryDir('backup')
const dataDir = join(dir.path, 'data')
const target = join(dir.path, 'restored')
const file = join(dir.path, 'backup.tar')
let platform: Platform
let truck: TestDevice
let meter: TestDevice
let before: { to: string; answers: unknown[] }

interface Ended {
  readonly code: number | null
  readonly text: string
}

function tool(name: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [`scripts/${name}.ts`, ...args], {
    cwd: new URL('../..', import.meta.url).pathname,
    env: { PATH: process.env['PATH'] },
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, text }))
  })
}

beforeAll(async () => {
  platform = await startPlatform({
    dataDir,
    env: { PADBORG_INGEST_SNAPSHOT_MS: '200', PADBORG_BACKUP_STALL_SECONDS: '3' },
  })
  truck = await addDevice(platform, { tenant: 'calm', id: 'truck', kind: 'truck' })
  meter = await addDevice(platform, { tenant: 'calm', id: 'meter', kind: 'heat_meter' })
  await addDevice(platform, { tenant: 'other', id: 'truck', kind: 'truck' })
  await publishSome(platform)
  await settledDelivery(platform)
  const to = new Date().toISOString()
  before = { to, answers: await answersOf(platform, to) }
}, 60_000)

afterAll(async () => {
  await platform.kill()
  dir.remove()
})

describe('a backup of a platform under load', () => {
  it('restores to a platform with the same answers, every acknowledged message once', async () => {
    const fleet = await createFleet(platform, { tenant: 'busy', size: 4, seed: SEED })
    const load = await fleet.run(platform)
    await waitFor(() => fleet.ackedCount() > 2000, { what: '2000 acknowledged messages' })
    const acked = new Map([...fleet.truth.acked].map(([id, seqs]) => [id, new Set(seqs)]))
    const count = fleet.ackedCount()
    const made = await tool('backup', [file, '--data-dir', dataDir])
    expect(made).toMatchObject({ code: 0, text: expect.stringMatching(/Backed up \d+ files/) })
    const during = fleet.ackedCount() - count
    await load.stop()
    expect(during, `seed ${SEED}`).toBeGreaterThan(0)
    await settledDelivery(platform)
    expect(await compareWithStore(platform, fleet.truth)).toEqual([])
    expect(existsSync(join(dataDir, 'backup.tmp'))).toBe(false)

    const restored = await tool('restore', [file, '--data-dir', target])
    expect(restored).toMatchObject({ code: 0 })
    const copy = await startPlatform({ dataDir: target })
    try {
      await settledDelivery(copy)
      expect(await answersOf(copy, before.to)).toEqual(before.answers)
      for (const [device, known] of acked) {
        const stored = await storedSeqs(copy, device)
        const once = new Set(stored)
        expect(stored.length, `${device} has rows twice, seed ${SEED}`).toBe(once.size)
        expect([...known].filter((seq) => !once.has(seq))).toEqual([])
        const sent = fleet.truth.acked.get(device)
        expect([...once].filter((seq) => !sent?.has(seq))).toEqual([])
      }
      await goesOn(copy)
    } finally {
      await copy.kill()
    }
  })

  it('is refused for all but admins, and one at a time is enough', async () => {
    const { body } = await platform.api('/keys', {
      body: { role: 'tenant-operator', tenant: 'calm', name: 'operator' },
    })
    const refused = await platform.api('/backup', { method: 'POST', key: body.key })
    expect(refused.status).toBe(403)
    const address = `http://127.0.0.1:${platform.ready.http}/api/v1/backup`
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const first = await fetch(address, { method: 'POST', headers })
    expect(first.status).toBe(200)
    expect(first.headers.get('content-type')).toBe('application/x-tar')
    // Whoever asks meanwhile is told; whoever goes away leaves nothing behind.
    await first.body?.cancel()
    await waitFor(() => !existsSync(join(dataDir, 'backup.tmp')), { what: 'the end of the backup' })
    const again = await tool('backup', [join(dir.path, 'again.tar.zst'), '--data-dir', dataDir])
    expect(again).toMatchObject({ code: 0 })
  })

  it('is cancelled when the client stops reading', async () => {
    const address = `http://127.0.0.1:${platform.ready.http}/api/v1/backup`
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    const stalled = await fetch(address, { method: 'POST', headers })
    expect(stalled.headers.get('content-encoding')).toBeNull()
    expect(existsSync(join(dataDir, 'backup.tmp'))).toBe(true)
    await waitFor(() => !existsSync(join(dataDir, 'backup.tmp')), { what: 'the backup given up' })
    await expect(stalled.arrayBuffer()).rejects.toThrow(/terminated/)
    expect(platform.log()).toMatch(/nobody read on for 3 s/)
  })

  it('leaves no file when it fails, and says why', async () => {
    const lost = join(dir.path, 'no-such-folder', 'backup.tar')
    const failed = await tool('backup', [lost, '--data-dir', dataDir])
    expect(failed).toMatchObject({ code: 1, text: expect.stringMatching(/no-such-folder/) })
    const taken = await tool('backup', [file, '--data-dir', dataDir])
    expect(taken).toMatchObject({ code: 1, text: expect.stringMatching(/there is one already/) })
    expect(readdirSync(dir.path).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  it('is restored into an empty directory only', async () => {
    const refused = await tool('restore', [file, '--data-dir', dataDir])
    expect(refused).toMatchObject({ code: 1, text: expect.stringMatching(/empty data directory/) })
    const full = join(dir.path, 'full')
    mkdirSync(full)
    writeFileSync(join(full, 'notes.txt'), 'mine')
    const other = await tool('restore', [file, '--data-dir', full])
    expect(other).toMatchObject({ code: 1, text: expect.stringMatching(/notes\.txt/) })
  })
})

describe('replay from the command line', () => {
  it('prints the outcome of each message, and reports when no platform runs', async () => {
    const { body } = await platform.api('/rejections?device=calm.truck')
    const [{ id }] = body.data
    const again = await tool('replay', ['--ids', id, '--data-dir', dataDir, '--json'])
    expect(again.code, again.text).toBe(0)
    expect(JSON.parse(again.text)).toMatchObject({ recovered: 0, again: 1, duplicate: 0 })
    const filtered = await tool('replay', [
      '--reason',
      'malformed',
      '--data-dir',
      dataDir,
      '--json',
    ])
    expect(JSON.parse(filtered.text)).toMatchObject({ recovered: 0 })
    const none = await tool('replay', ['--ids', id, '--data-dir', join(dir.path, 'nobody')])
    expect(none).toMatchObject({ code: 1, text: expect.stringMatching(/expected a platform/) })
    const wrong = await tool('replay', ['--positions', 'all', '--data-dir', dataDir])
    expect(wrong).toMatchObject({ code: 2, text: expect.stringMatching(/100-200/) })
  })
})

describe('readings as Parquet', () => {
  it('hold the same rows as JSON, for each scope', async () => {
    for (const question of [
      '/readings?kind=truck&tenant=calm',
      '/readings?kind=heat_meter',
      '/readings?kind=truck&device=calm.truck&fields=speedKmh',
    ]) {
      const { body } = await platform.api(`${question}&limit=10000&to=${before.to}`)
      expect(body.data.length).toBeGreaterThan(0)
      const rows = await parquetOf(`${question}&to=${before.to}`)
      expect(rows).toEqual(body.data.map(flat))
    }
  })

  it('keep to the tenant and to the roles', async () => {
    const key = async (role: string, tenant?: string) =>
      (await platform.api('/keys', { body: { role, tenant, name: role } })).body.key
    const own = await parquetOf(
      `/readings?kind=truck&to=${before.to}`,
      await key('tenant-viewer', 'calm'),
    )
    expect(new Set(own.map((row) => row['tenant']))).toEqual(new Set(['calm']))
    expect(await parquetOf('/readings?kind=truck', await key('tenant-viewer', 'other'))).toEqual([])
    const engineer = await key('engineer')
    const question = `/readings?kind=radio&to=${before.to}`
    const { body } = await platform.api(`${question}&limit=10000`, { key: engineer })
    expect(body.data.length).toBeGreaterThan(0)
    const shown = await parquetOf(question, engineer)
    expect(shown).toEqual(body.data.map(flat))
    expect(JSON.stringify(shown)).not.toContain('calm')
    const hidden = await platform.api('/readings?kind=truck&as=parquet', { key: engineer })
    expect(hidden.status).toBe(403)
  })

  it('leave nothing in the data directory', async () => {
    await waitFor(() => readdirSync(join(dataDir, 'export')).length === 0, {
      what: 'an empty folder',
    })
  })
})

describe('a platform that is stopped while a backup is read', () => {
  it('shuts down cleanly during a backup, and starts again without its leftovers', async () => {
    const address = `http://127.0.0.1:${platform.ready.http}/api/v1/backup`
    const headers = { authorization: `Bearer ${ADMIN_KEY}` }
    // Nobody reads its body: the sender stands still.
    const stalled = await fetch(address, { method: 'POST', headers })
    expect(stalled.status).toBe(200)
    expect(existsSync(join(dataDir, 'backup.tmp'))).toBe(true)
    const busy = await platform.api('/backup', { method: 'POST' })
    expect(busy).toMatchObject({ status: 409, body: { code: 'BACKUP_BUSY' } })
    expect(await platform.stop(), platform.log()).toBe(0)
    expect(existsSync(join(dataDir, 'backup.tmp'))).toBe(false)
    await stalled.body?.cancel().catch(() => undefined)
    platform = await startPlatform({ dataDir })
    await settledDelivery(platform)
  })
})

describe('a backup without a running platform', () => {
  it('takes the directory as it lies there, also after a crash, and refuses another one', async () => {
    await platform.kill()
    const rest = join(dir.path, 'rest.tar.gz')
    const made = await tool('backup', [rest, '--data-dir', dataDir])
    expect(made).toMatchObject({ code: 0 })
    const other = join(dir.path, 'other')
    expect(await tool('restore', [rest, '--data-dir', other])).toMatchObject({ code: 0 })
    const copy = await startPlatform({ dataDir: other })
    try {
      await settledDelivery(copy)
      expect(await answersOf(copy, before.to)).toEqual(before.answers)
      await goesOn(copy)
    } finally {
      await copy.kill()
    }
    const nothing = await tool('backup', [join(dir.path, 'x.tar'), '--data-dir', dir.path])
    expect(nothing).toMatchObject({ code: 1, text: expect.stringMatching(/no registry.db/) })
  })
})

async function publishSome(on: Platform): Promise<void> {
  const { username, password, topic } = truck
  const client = await on.mqtt({ username, password })
  const radio = { rat: 'nr-sa', rsrpDbm: -85, cellId: '5C42' }
  for (let seq = 1; seq <= 200; seq += 1) {
    const data = { speedKmh: seq % 90, lat: 54.8, lon: 9.3 }
    // Some sequence numbers are left out, some messages come twice.
    const message = {
      v: 1,
      kind: 'truck',
      ts: Date.now(),
      seq: seq + (seq > 100 ? 3 : 0),
      data,
      radio,
    }
    await client.publishAsync(topic, JSON.stringify(message), { qos: 1 })
    if (seq % 50 === 0) await client.publishAsync(topic, JSON.stringify(message), { qos: 1 })
  }
  for (let seq = 1000; seq < 1020; seq += 1) {
    const message = { v: 1, kind: 'radio', ts: Date.now(), seq, data: { rsrpDbm: -90 }, radio }
    await client.publishAsync(topic, JSON.stringify(message), { qos: 1 })
  }
  await client.publishAsync(topic, 'no JSON at all', { qos: 1 })
  await client.publishAsync(topic, 'kept for a restart', { qos: 1, retain: true })
  await client.endAsync()
  const other = await on.mqtt({ username: meter.username, password: meter.password })
  for (let hour = 0; hour < 24; hour += 1) {
    const ts = Date.now() - (24 - hour) * 1_800_000
    const data = { energyKwh: 1000 + hour * 7.25, powerKw: 14.5 }
    const message = { v: 1, kind: 'heat_meter', ts, seq: hour + 1, data }
    await other.publishAsync(meter.topic, JSON.stringify(message), { qos: 1 })
  }
  await other.endAsync()
}

/** Answers about the time before the load, and about what only then was busy. */
async function answersOf(on: Platform, to: string): Promise<unknown[]> {
  const answers: unknown[] = []
  for (const question of [
    `/readings?kind=truck&tenant=calm&limit=10000&to=${to}`,
    `/readings?kind=heat_meter&limit=10000&to=${to}`,
    `/readings?kind=radio&limit=10000&to=${to}`,
    `/readings?kind=heat_meter&every=1h&to=${to}`,
    `/rejections?limit=10000&to=${to}`,
    '/delivery?device=calm.truck,calm.meter',
    '/last-values?tenant=calm',
    `/kpi/latency?by=device&tenant=calm&to=${to}`,
    `/kpi/loss?by=device&tenant=calm&to=${to}`,
    `/kpi/throughput?by=device&tenant=calm&to=${to}`,
    '/devices?tenant=calm',
    '/sites',
  ]) {
    const { status, body } = await on.api(question)
    expect(status, `${question}: ${JSON.stringify(body)}`).toBe(200)
    answers.push([question, body.data.filter(isOwn)])
  }
  return answers
}

/** The stages of the platform itself are of no device; a restored one has measured others. */
function isOwn(row: { group?: { device?: string | null }; stage?: string }): boolean {
  return row.group === undefined || Boolean(row.group.device)
}

/** A restored platform takes the devices that it knows, and nothing is counted wrongly. */
async function goesOn(copy: Platform): Promise<void> {
  const { username, password, topic } = truck
  const client = await copy.mqtt({ username, password })
  const message = { v: 1, kind: 'truck', ts: Date.now(), seq: 5000, data: { speedKmh: 1 } }
  await client.publishAsync(topic, JSON.stringify(message), { qos: 1 })
  await client.endAsync()
  await settledDelivery(copy)
  const { body } = await copy.api('/readings?kind=truck&device=calm.truck&order=desc&limit=1')
  expect(body.data[0].seq).toBe(5000)
}

type Row = Record<string, unknown>

async function parquetOf(question: string, key = ADMIN_KEY): Promise<Row[]> {
  const url = `http://127.0.0.1:${platform.ready.http}/api/v1${question}`
  const headers = { authorization: `Bearer ${key}`, accept: PARQUET }
  const response = await fetch(url, { headers })
  expect(response.status, question).toBe(200)
  expect(response.headers.get('content-type')).toBe(PARQUET)
  const path = join(dir.path, 'readings.parquet')
  writeFileSync(path, Buffer.from(await response.arrayBuffer()))
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const found = await connection.runAndReadAll(
    `SELECT * REPLACE (epoch_ns(time) AS time, epoch_ns("receivedAt") AS "receivedAt",
       epoch_ns("claimedTime") AS "claimedTime")
     FROM read_parquet('${path}')`,
  )
  const rows = found.getRowObjectsJson()
  connection.closeSync()
  instance.closeSync()
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).flatMap(([name, value]) =>
        value === null ? [] : [[name, name === 'seq' ? Number(value) : value]],
      ),
    ),
  )
}

/** A row of JSON with the columns of a file; what is null is left out of both. */
function flat(row: Row): Row {
  const { fields, radio, time, receivedAt, claimedTime, seq, ...rest } = row
  const parts = Object.entries(Object(radio)).map(([name, value]) => [`radio.${name}`, value])
  return {
    ...rest,
    ...(seq === null ? {} : { seq }),
    time: nsOf(time),
    receivedAt: nsOf(receivedAt),
    ...(claimedTime === null ? {} : { claimedTime: nsOf(claimedTime) }),
    ...Object(fields),
    ...Object.fromEntries(parts),
  }
}

function nsOf(text: unknown): string {
  return String(Temporal.Instant.from(String(text)).epochNanoseconds)
}
