import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { openRegistryReader } from '#lib/registry/open-reader.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { DeviceSecrets, Registry } from '#lib/registry/registry.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { createRandom } from '#lib/runtime/random.ts'
import { FORMAT_LIST } from '../../../../../ingest/formats/catalogue.ts'
import { SEED, timesRuns } from '../../../../support/random-runs.ts'
import {
  addDevice,
  createReadableLog,
  createTurnedClock,
  openWithTenants,
  refusal,
  temporaryFolder,
} from '../test-registry.ts'

/** User name and password; the name is empty for a key of the API. */
type SignIn = readonly [string, string]

let filledOnce: ReturnType<typeof fill> | null = null

/** The same files for all tests: each works on copies. */
function filled(): ReturnType<typeof fill> {
  return (filledOnce ??= fill())
}

/** A registry with rows in every table as a killed process leaves it, some changes in the WAL alone. */
function fill() {
  const { registry, path, clock } = openWithTenants()
  for (const id of ['yard', 'north', 'south']) {
    registry.sites.create({ id, tenant: 'acme', name: `Site ${id}`, position: null, outline: null })
  }
  const signIns: SignIn[] = []
  const keys: string[] = []
  for (let at = 0; at < 12; at += 1) {
    const device = `acme.m${at}`
    const settings = { maxPowerKw: 100 + at, labels: { place: `hall ${at}` } }
    addDevice(registry, device, { kind: 'heat_meter', settings, secrets: { aesKey: `KEY-${at}` } })
    registry.devices.update(device, { patch: { settings: { maxPowerKw: 50 } } })
    const old = registry.credentials.create(device)
    const { key, id } = registry.keys.create({ role: 'admin', tenant: null, name: `key ${at}` })
    clock.turnMs(1000)
    signIns.push([device, old.password], [device, registry.credentials.create(device).password])
    signIns.push(['', key])
    keys.push(id)
    if (at % 2 === 0) registry.credentials.delete(old.id)
  }
  // A reader that is busy holds up what is in the WAL.
  const busy = new DatabaseSync(path, { readOnly: true })
  busy.exec('BEGIN')
  busy.prepare('SELECT * FROM keys').all()
  for (const id of keys.slice(0, 6)) registry.keys.delete(id)
  registry.devices.delete('acme.m11')
  registry.tenants.update('borg', { name: 'Borg and sons' })
  const files = Object.fromEntries(
    ['', '-wal', '.generation'].map((end) => [end, readFileSync(path + end)] as const),
  )
  busy.close()
  return { files, signIns, expected: contentOf(registry, signIns) }
}

/** All that a registry says, and who may sign in. */
function contentOf(registry: Registry & DeviceSecrets, signIns: readonly SignIn[]): string {
  const devices = registry.devices.list()
  return JSON.stringify([
    registry.tenants.list(),
    registry.sites.list(),
    devices,
    devices.map(({ id }) => [registry.credentials.list(id), registry.secretOf(id, 'aesKey')]),
    registry.keys.list(),
    signIns.map(([user, secret]) =>
      user === ''
        ? registry.keys.authenticate(secret)
        : registry.credentials.authenticate(user, secret),
    ),
  ])
}

type Files = Readonly<Record<string, Buffer>>

/** Puts these files in the place of a registry, and nothing else. */
function put(path: string, files: Files): string {
  for (const end of ['', '-wal', '-shm', '.generation']) rmSync(path + end, { force: true })
  for (const [end, bytes] of Object.entries(files)) writeFileSync(path + end, bytes)
  return path
}

function open(path: string) {
  const { log } = createReadableLog()
  const clock = createTurnedClock()
  return openRegistry({ path, clock, log, credentialOverlapHours: 1, formats: FORMAT_LIST })
}

/** Opens a registry; null when it is refused with the name of the file and what to do. */
function openedOrNull(path: string) {
  try {
    return open(path)
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error
    expect(error.code).toBe('DATA_DIR_FOREIGN')
    expect(error.message).toContain(path)
    expect(error.message).toContain('restore')
    return null
  }
}

/** A filled registry, and whether it is refused when files of it are replaced. */
function damageable() {
  const { files, signIns, expected } = filled()
  const path = join(temporaryFolder(), 'registry.db')
  let accepted = 0

  /** What is not refused has to be right; now and then also after a change and a restart. */
  function isRefused(damage: Files, what: string): boolean {
    const registry = openedOrNull(put(path, { ...files, ...damage }))
    if (!registry) return true
    accepted += 1
    const isChanged = accepted % 5 === 1
    try {
      expect(contentOf(registry, signIns) === expected, what).toBe(true)
      if (isChanged) registry.tenants.create({ id: 'new', name: what })
    } finally {
      registry.close()
    }
    if (!isChanged) return false
    const again = open(path)
    again.tenants.delete('new')
    expect(contentOf(again, signIns) === expected, what).toBe(true)
    again.close()
    return false
  }
  return { files, isRefused }
}

function flipped(bytes: Buffer, at: number, bit: number): Buffer {
  const damaged = Buffer.from(bytes)
  damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
  return damaged
}

describe('a damaged registry', () => {
  for (const end of ['', '-wal'] as const) {
    it(`is right or refused, whichever bit of registry.db${end} is flipped`, () => {
      const { files, isRefused } = damageable()
      const random = createRandom(SEED)
      const bytes = files[end] ?? Buffer.alloc(0)
      const used = [...bytes.keys()].filter((at) => bytes[at] !== 0)
      let refused = 0
      for (let n = 0; n < timesRuns(100); n += 1) {
        const at = n % 2 === 0 ? random.pick(used) : random.integer(0, bytes.length - 1)
        const bit = random.integer(0, 7)
        const damage = { [end]: flipped(bytes, at, bit) }
        if (isRefused(damage, `SEED=${SEED}, byte ${at}, bit ${bit}`)) refused += 1
      }
      expect(refused).toBeGreaterThan(10)
    })

    it(`is right or refused, wherever registry.db${end} is cut short`, () => {
      const { files, isRefused } = damageable()
      const bytes = files[end] ?? Buffer.alloc(0)
      for (let part = 0; part < 20; part += 1) {
        const size = Math.floor((bytes.length * part) / 20)
        expect(isRefused({ [end]: bytes.subarray(0, size) }, `${size} bytes`)).toBe(true)
      }
    })
  }

  it('is refused by readers too', () => {
    const { files } = filled()
    const path = join(temporaryFolder(), 'registry.db')
    open(put(path, files)).close()
    const bytes = readFileSync(path)
    writeFileSync(path, flipped(bytes, bytes.indexOf('Borg and sons'), 0))
    const { log } = createReadableLog()
    const error = refusal(() => openRegistryReader({ path, log }), 'DATA_DIR_FOREIGN')
    expect(error.message).toMatch(/a row of tenants does not match its digest.*restore a backup/)
  })

  it('opens with what the WAL holds when nothing is damaged', () => {
    expect(damageable().isRefused({}, 'whole')).toBe(false)
  })
})
