import {
  copyFileSync,
  existsSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openRegistry } from '#lib/registry/open.ts'
import { openRegistryReader } from '#lib/registry/open-reader.ts'
import {
  addDevice,
  createReadableLog,
  createTurnedClock,
  openTestRegistry,
  openWithTenants,
  refusal,
  temporaryFolder,
  type TestRegistry,
} from './test-registry.ts'
import { FORMAT_LIST } from '../../../../ingest/formats/catalogue.ts'

function openAt(path: string) {
  const { log } = createReadableLog()
  const registry = openRegistry({
    path,
    clock: createTurnedClock(),
    log,
    credentialOverlapHours: 1,
    formats: FORMAT_LIST,
  })
  onTestFinished(() => registry.close())
  return registry
}

function fill({ registry }: TestRegistry) {
  registry.sites.create({
    id: 'yard',
    tenant: 'acme',
    name: 'Yard Ærø',
    position: { lat: 54.8, lon: 9.3 },
    outline: null,
  })
  addDevice(registry, 'acme.r1', {
    kind: 'robot',
    format: 'vda5050',
    topics: ['uagv/v2/KIT/0001/#'],
    site: 'yard',
    settings: { factsheet: { 'a.b': { c: [1] } } },
    secrets: { aesKey: 'AES-KEY-OF-THE-METER' },
  })
  addDevice(registry, 'borg.gw', { kind: 'gateway' })
  const credential = registry.credentials.create('acme.r1', { validTo: '2030-01-01T00:00:00Z' })
  const key = registry.keys.create({ role: 'application', tenant: 'acme', name: 'erp' })
  return { credential, key }
}

describe('the registry on disk', () => {
  it('is the same after a restart', () => {
    const opened = openWithTenants()
    const { credential, key } = fill(opened)
    const { registry } = opened
    const seen = () => [registry.tenants.list(), registry.sites.list(), registry.devices.list()]
    const before = structuredClone([
      ...seen(),
      registry.credentials.list('acme.r1'),
      registry.keys.list(),
    ])
    const after = opened.restart()
    expect([
      after.tenants.list(),
      after.sites.list(),
      after.devices.list(),
      after.credentials.list('acme.r1'),
      after.keys.list(),
    ]).toEqual(before)
    expect(after.secretOf('acme.r1', 'aesKey')).toBe('AES-KEY-OF-THE-METER')
    expect(after.credentials.authenticate('acme.r1', credential.password)).not.toBeNull()
    expect(after.credentials.authenticate('acme', key.key)).not.toBeNull()
    // Topics that were taken before are taken still.
    const act = () => addDevice(after, 'acme.r2', { topics: ['uagv/v2/KIT/+/state'] })
    refusal(act, 'REGISTRY_CONFLICT')
  })

  it('holds no password and no key, only their hashes, in a file for its owner alone', () => {
    const opened = openWithTenants()
    const { credential, key } = fill(opened)
    opened.registry.keys.ensure('a-configured-admin-key', {
      role: 'admin',
      tenant: null,
      name: 'a',
    })
    const files = ['', '-wal', '-shm'].map((end) => opened.path + end).filter(existsSync)
    expect(files.length).toBeGreaterThan(1)
    const onDisk = Buffer.concat(files.map((file) => readFileSync(file)))
    expect(onDisk.indexOf('Yard Ærø')).toBeGreaterThan(0)
    for (const secret of [credential.password, key.key, 'a-configured-admin-key']) {
      const bare = secret.replace(/^pb._/, '')
      for (const written of [bare, Buffer.from(bare, 'base64url'), Buffer.from(bare)]) {
        expect(onDisk.indexOf(written), secret).toBe(-1)
      }
    }
    for (const file of files) expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('has every change on disk before the call returns', () => {
    const opened = openWithTenants()
    const { credential } = fill(opened)
    // What a kill at this moment leaves behind.
    const copy = join(temporaryFolder(), 'registry.db')
    for (const end of ['', '-wal']) copyFileSync(opened.path + end, copy + end)
    const after = openAt(copy)
    expect(after.devices.list().map(({ id }) => id)).toEqual(['acme.r1', 'borg.gw'])
    expect(after.credentials.authenticate('acme.r1', credential.password)).not.toBeNull()
  })

  it('opens with all complete changes when the last one is torn', () => {
    const opened = openWithTenants()
    addDevice(opened.registry, 'acme.t1')
    const copy = join(temporaryFolder(), 'registry.db')
    copyFileSync(opened.path, copy)
    addDevice(opened.registry, 'acme.t2')
    // What is in the WAL of an earlier change is in the database too: it begins with the last one.
    copyFileSync(`${opened.path}-wal`, `${copy}-wal`)
    truncateSync(`${copy}-wal`, 1000)
    const after = openAt(copy)
    expect(after.devices.list().map(({ id }) => id)).toEqual(['acme.t1'])
    addDevice(after, 'acme.t2')
  })

  it('changes nothing and notifies nobody when a change is refused', () => {
    const { registry, changes } = openWithTenants()
    refusal(() => addDevice(registry, 'acme.t1', { topics: ['a/#/b'] }), 'REGISTRY_INVALID')
    refusal(() => registry.tenants.create({ id: 'acme', name: 'x' }), 'REGISTRY_CONFLICT')
    refusal(() => registry.devices.delete('acme.t1'), 'REGISTRY_MISSING')
    expect(changes).toEqual([])
  })

  it('opens an empty file, which a kill during the first start leaves behind', () => {
    const path = join(temporaryFolder(), 'registry.db')
    writeFileSync(path, '')
    openAt(path).tenants.create({ id: 'acme', name: 'Acme' })
  })

  it('refuses a file that is not a database, in one line with the file and what to do', () => {
    const path = join(temporaryFolder(), 'registry.db')
    writeFileSync(path, 'this is a letter, not a database '.repeat(100))
    const error = refusal(() => openAt(path), 'DATA_DIR_FOREIGN')
    expect(error.message).toContain(path)
    expect(error.message).toContain('restore')
  })

  it('keeps a key revoked whichever bit of the WAL is flipped after a crash', () => {
    const opened = openWithTenants()
    const { key, id } = opened.registry.keys.create({ role: 'admin', tenant: null, name: 'lost' })
    opened.registry.keys.delete(id)
    // As a killed process leaves them: nothing was closed.
    const wal = readFileSync(`${opened.path}-wal`)
    expect(wal.length).toBeGreaterThan(0)
    for (let seed = 1; seed <= 40; seed += 1) {
      const path = join(temporaryFolder(), 'registry.db')
      copyFileSync(opened.path, path)
      const damaged = Buffer.from(wal)
      const at = (seed * 7919) % wal.length
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (seed % 8))
      writeFileSync(`${path}-wal`, damaged)
      const again = openAt(path)
      expect(again.keys.authenticate(key), `bit flipped at ${at}`).toBeNull()
    }
  })

  it('refuses a truncated database', () => {
    const opened = openWithTenants()
    const settings = { factsheet: { text: 'x'.repeat(16_000) } }
    for (let at = 0; at < 5; at += 1)
      addDevice(opened.registry, `acme.t${at}`, { kind: 'robot', format: 'vda5050', settings })
    opened.registry.close()
    truncateSync(opened.path, 16_384)
    const error = refusal(() => openAt(opened.path), 'DATA_DIR_FOREIGN')
    expect(error.message).toContain(opened.path)
  })

  it('refuses the database of another part, and entries it cannot read', () => {
    const path = join(temporaryFolder(), 'registry.db')
    const other = new DatabaseSync(path)
    other.exec('CREATE TABLE snapshots (id INTEGER); PRAGMA user_version = 1')
    other.close()
    expect(refusal(() => openAt(path), 'DATA_DIR_FOREIGN').message).toContain(path)

    const opened = openWithTenants()
    fill(opened)
    opened.registry.close()
    const db = new DatabaseSync(opened.path)
    // What changes rows by other means than this program makes no digest.
    db.function('row_digest', { varargs: true }, () => 0)
    db.exec(`UPDATE devices SET topics = '["half' WHERE id = 'acme.r1'`)
    db.close()
    expect(refusal(() => openAt(opened.path), 'DATA_DIR_FOREIGN').message).toContain(opened.path)
  })

  it('refuses a database of a newer program and leaves it as it is', () => {
    const opened = openWithTenants()
    opened.registry.close()
    const db = new DatabaseSync(opened.path)
    db.exec('PRAGMA user_version = 99')
    db.close()
    const before = readFileSync(opened.path)
    const error = refusal(() => openAt(opened.path), 'DATA_DIR_FOREIGN')
    expect(error.message).toMatch(/version 99.*newer/)
    expect(readFileSync(opened.path).equals(before)).toBe(true)
  })

  it('cannot be opened where there is no folder, or where a folder stands in its place', () => {
    const dir = temporaryFolder()
    refusal(() => openAt(join(dir, 'missing', 'registry.db')), 'DATA_DIR_UNUSABLE')
    refusal(() => openAt(dir), 'DATA_DIR_UNUSABLE')
  })
})

describe('listeners', () => {
  it('are all notified once a change is visible, even if one of them fails', () => {
    const { registry, lines } = openTestRegistry()
    const seen: unknown[] = []
    registry.onChange(() => {
      throw new Error('this listener fails')
    })
    registry.onChange(({ table, id }) =>
      seen.push([table, id, registry.tenants.get(id ?? '')?.name]),
    )
    registry.tenants.create({ id: 'acme', name: 'Acme' })
    expect(seen).toEqual([['tenants', 'acme', 'Acme']])
    expect(lines.join('')).toContain('this listener fails')
    expect(lines).toHaveLength(1)
  })
})

describe('after close', () => {
  it('every call throws CLOSED, and close may be called again', () => {
    const { registry } = openWithTenants()
    registry.close()
    registry.close()
    const { tenants, sites, devices, credentials, keys } = registry
    for (const call of [
      () => tenants.list(),
      () => tenants.get('acme'),
      () => tenants.create({ id: 'x', name: 'x' }),
      () => tenants.delete('acme'),
      () => sites.list(),
      () => sites.get('x'),
      () => sites.delete('x'),
      () => devices.list(),
      () => devices.get('acme.t1'),
      () => addDevice(registry, 'acme.t1'),
      () => devices.delete('acme.t1'),
      () => credentials.list('acme.t1'),
      () => credentials.create('acme.t1'),
      () => credentials.delete('x'),
      () => credentials.authenticate('acme.t1', 'x'),
      () => keys.list(),
      () => keys.create({ role: 'admin', tenant: null, name: 'x' }),
      () => keys.ensure('0123456789abcdef', { role: 'admin', tenant: null, name: 'x' }),
      () => keys.delete('x'),
      () => keys.authenticate('x'),
      () => registry.secretOf('acme.t1', 'x'),
      () => registry.onChange(() => {}),
    ]) {
      refusal(call, 'CLOSED')
    }
  })
})

describe('a reader beside the writer', () => {
  function openReader(path: string) {
    const reader = openRegistryReader({ path, ...createReadableLog() })
    onTestFinished(() => reader.close())
    return reader
  }

  it('sees by the data version that another connection wrote, and the change after a reload', () => {
    const opened = openWithTenants()
    const reader = openReader(opened.path)
    const before = reader.dataVersion()
    expect(reader.tenants.list().map(({ id }) => id)).toEqual(['acme', 'borg'])
    expect(reader.dataVersion()).toBe(before)
    fill(opened)
    expect(reader.dataVersion()).not.toBe(before)
    expect(reader.devices.get('acme.r1')).toBeNull()
    reader.reload()
    expect(reader.devices.get('acme.r1')).toEqual(opened.registry.devices.get('acme.r1'))
    expect(reader.devices.list()).toEqual(opened.registry.devices.list())
    expect(reader.sites.list()).toEqual(opened.registry.sites.list())
    expect(reader.sites.get('yard')?.name).toBe('Yard Ærø')
    expect(reader.tenants.get('acme')?.name).toBe('Acme')
    expect(reader.secretOf('acme.r1', 'aesKey')).toBe('AES-KEY-OF-THE-METER')
    expect(reader.secretOf('acme.r1', 'constructor')).toBeNull()
    opened.registry.devices.delete('acme.r1')
    reader.reload()
    expect(reader.devices.get('acme.r1')).toBeNull()
    expect(reader.secretOf('acme.r1', 'aesKey')).toBeNull()
  })

  it('needs a database of this version, and throws CLOSED after close', () => {
    const path = join(temporaryFolder(), 'registry.db')
    refusal(() => openReader(path), 'DATA_DIR_UNUSABLE')
    expect(existsSync(path)).toBe(false)
    const empty = new DatabaseSync(path)
    empty.exec('PRAGMA user_version = 0; CREATE TABLE t (a)')
    empty.close()
    const error = refusal(() => openReader(path), 'DATA_DIR_FOREIGN')
    expect(error.message).toContain('got version 0')

    const reader = openReader(openWithTenants().path)
    reader.close()
    reader.close()
    refusal(() => reader.devices.get('acme.t1'), 'CLOSED')
    refusal(() => reader.reload(), 'CLOSED')
    refusal(() => reader.dataVersion(), 'CLOSED')
    refusal(() => reader.secretOf('a', 'b'), 'CLOSED')
  })
})
