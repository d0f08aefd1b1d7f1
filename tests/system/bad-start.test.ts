import { spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { settledDelivery, storedSeqs } from '../support/fleet.ts'
import {
  ADMIN_KEY,
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'

const ROOT = new URL('../..', import.meta.url).pathname

/** Starts the platform as a shell would and waits for its end. */
function run(cwd: string, env: Readonly<Record<string, string>>, args: readonly string[] = []) {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'main.ts'), ...args], {
    cwd,
    env: {
      PATH: process.env['PATH'],
      PADBORG_DATA_DIR: join(cwd, 'data'),
      PADBORG_MQTT_PORT: '0',
      PADBORG_MQTT_WS_PORT: '0',
      PADBORG_HTTP_PORT: '0',
      PADBORG_LOG_LEVEL: 'warn',
      ...env,
    },
    timeout: 30_000,
  })
  const lines = stderr.toString().trim().split('\n')
  return { status, lines, said: lines.at(-1) ?? '' }
}

describe('a start that cannot work says in one line which setting, what came and what to do', () => {
  let dir: ReturnType<typeof temporaryDir>
  let platform: Platform | null = null

  beforeEach(() => {
    dir = temporaryDir('bad')
  })
  afterEach(async () => {
    await platform?.kill()
    platform = null
    dir.remove()
  })

  it('for a wrong port', () => {
    const { status, lines } = run(dir.path, { PADBORG_MQTT_PORT: '70000' })
    expect(status).toBe(1)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/PADBORG_MQTT_PORT=70000: /)
  })

  it('for several problems at once, unknown settings among them, also with --check', () => {
    const env = { PADBORG_HTTP_PORT: 'web', PADBORG_MQTT_PROT: '1883', PADBORG_LOG_LEVEL: 'loud' }
    const { status, lines } = run(dir.path, env, ['--check'])
    expect(status).toBe(1)
    expect(lines).toHaveLength(3)
    expect(lines.join('\n')).toMatch(/PADBORG_MQTT_PROT=1883: there is no such setting/)
    expect(run(dir.path, {}, ['--check']).status).toBe(0)
  })

  it('for a broken .env', () => {
    writeFileSync(join(dir.path, '.env'), 'PADBORG_LOG_LEVEL=info\nthis is not a setting\n')
    const { status, said } = run(dir.path, {})
    expect(status).toBe(1)
    expect(said).toMatch(/\.env line 2: expected NAME=value/)
  })

  it('for a data directory that is a file', () => {
    writeFileSync(join(dir.path, 'data'), '')
    const { status, said } = run(dir.path, {})
    expect(status).toBe(1)
    expect(said).toMatch(/PADBORG_DATA_DIR=/)
  })

  it.skipIf(process.getuid?.() === 0)('for a directory that cannot be written', () => {
    mkdirSync(join(dir.path, 'data'), { mode: 0o500 })
    expect(run(dir.path, {}).said).toMatch(/PADBORG_DATA_DIR=/)
  })

  it('for a port that is taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    // A TCP server that listens has such an address.
    const { port } = server.address() as AddressInfo
    for (const setting of ['PADBORG_MQTT_PORT', 'PADBORG_HTTP_PORT', 'PADBORG_MQTT_WS_PORT']) {
      const { status, said } = run(dir.path, { [setting]: String(port) })
      expect(status).toBe(1)
      expect(said).toContain(`${setting}=${port}`)
    }
    await new Promise((resolve) => server.close(resolve))
  })

  it('for a second platform on the same directory', async () => {
    platform = await startPlatform({ dataDir: join(dir.path, 'data') })
    const { status, said } = run(dir.path, {})
    expect(status).toBe(1)
    expect(said).toMatch(/PADBORG_DATA_DIR=/)
    expect(said).toContain(String(platform.ready.pid))
    expect((await platform.api('/health/live')).status).toBe(200)
  })

  it('for an ingest.db that was cut short, with its name', async () => {
    const dataDir = join(dir.path, 'data')
    platform = await startPlatform({ dataDir })
    const device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
    const client = await platform.mqtt({ username: device.username, password: device.password })
    const message = { v: 1, kind: 'truck', seq: 1, data: { speedKmh: 5 } }
    await client.publishAsync(device.topic, JSON.stringify(message), { qos: 1 })
    await settledDelivery(platform)
    await client.endAsync()
    await platform.stop()
    platform = null
    truncateSync(join(dataDir, 'ingest.db'), 12 * 1024)
    const { status, said } = run(dir.path, {})
    expect(status).toBe(1)
    expect(said).toContain(join(dataDir, 'ingest.db'))
    expect(said).toContain('restore the file from a backup')
  })

  it('for a registry.db that is damaged, or missing beside a journal, with its name', async () => {
    const dataDir = join(dir.path, 'data')
    platform = await startPlatform({ dataDir })
    await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
    await platform.stop()
    platform = null
    const path = join(dataDir, 'registry.db')
    const bytes = readFileSync(path)
    const at = bytes.lastIndexOf('truck')
    bytes[at] = (bytes[at] ?? 0) ^ 1
    writeFileSync(path, bytes)
    const damaged = run(dir.path, {})
    expect(damaged.status).toBe(1)
    expect(damaged.said).toContain(path)
    expect(damaged.said).toMatch(/a row of devices does not match its digest.*restore a backup/)

    rmSync(path)
    rmSync(`${path}.generation`, { force: true })
    const missing = run(dir.path, {})
    expect(missing.status).toBe(1)
    expect(missing.said).toMatch(/registry.db: .*got none; check the path, restore a backup/)
    expect(existsSync(path)).toBe(false)
  })

  it('for a TLS listener without a certificate', () => {
    const { lines } = run(dir.path, { PADBORG_MQTTS_PORT: '0' })
    expect(lines.join('\n')).toMatch(/PADBORG_TLS_CERT=/)
  })
})

describe('bad input while it runs', () => {
  const dir = temporaryDir('bad-input')
  let platform: Platform | null = null

  afterEach(async () => {
    await platform?.kill()
    dir.remove()
  })

  it('a wrong password and a foreign topic are refused and logged, others go on', async () => {
    platform = await startPlatform({ dataDir: dir.path })
    const device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
    const { username, password } = device
    await expect(platform.mqtt({ username, password: 'wrong' })).rejects.toThrow(/Bad|Not auth/i)
    const client = await platform.mqtt({ username, password })
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    client.publish('padborg/v1/other/t1/telemetry', '{}', { qos: 1 })
    await closed
    const running = platform
    await waitFor(() => running.log().includes('padborg/v1/other/t1/telemetry'))
    expect(running.log()).toContain('acme.t1')
    expect(
      (await platform.api('/readings?kind=truck', { key: 'pbk_nobody-knows-this-key' })).status,
    ).toBe(401)
    expect((await platform.api('/readings?kind=truck', { key: ADMIN_KEY })).status).toBe(200)
    await platform.stop()
  })

  it('a corrupt journal segment is reported with its position, and the records after it are read', async () => {
    mkdirSync(dir.path, { recursive: true })
    const env = { PADBORG_INGEST_SNAPSHOT_MS: '600000' }
    platform = await startPlatform({ dataDir: dir.path, env })
    const device = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
    const { username, password } = device
    const client = await platform.mqtt({ username, password })
    for (let seq = 1; seq <= 50; seq += 1) {
      const payload = { v: 1, kind: 'truck', ts: Date.now(), seq, data: { speedKmh: seq } }
      await client.publishAsync(device.topic, JSON.stringify(payload), { qos: 1 })
    }
    await platform.kill()
    const journal = join(dir.path, 'journal')
    const segment =
      readdirSync(journal)
        .filter((name) => name.endsWith('.seg'))
        .toSorted()[0] ?? ''
    const file = openSync(join(journal, segment), 'r+')
    writeSync(file, Buffer.from('rubbish rubbish rubbish'), 0, 23, 6000)
    closeSync(file)
    // The store is lost too, so that everything has to come from the journal.
    rmSync(join(dir.path, 'store'), { recursive: true })
    rmSync(join(dir.path, 'ingest.db'))
    platform = await startPlatform({ dataDir: dir.path, env })
    await settledDelivery(platform)
    const seqs = await storedSeqs(platform, device.id)
    expect(seqs.length).toBeGreaterThan(40)
    expect(seqs.length).toBeLessThan(50)
    expect(Math.max(...seqs)).toBe(50)
    expect(platform.log()).toMatch(/checksum|corrupt/i)
    await platform.stop()
  })
})
