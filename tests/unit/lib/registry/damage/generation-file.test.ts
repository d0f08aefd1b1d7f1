import {
  copyFileSync,
  existsSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openRegistryReader } from '#lib/registry/open-reader.ts'
import { openRegistry } from '#lib/registry/open.ts'
import { FORMAT_LIST } from '../../../../../ingest/formats/catalogue.ts'
import {
  createReadableLog,
  createTurnedClock,
  openWithTenants,
  refusal,
  temporaryFolder,
} from '../test-registry.ts'

function open(path: string, followers: readonly string[] = []) {
  const { log } = createReadableLog()
  const clock = createTurnedClock()
  const options = { path, clock, log, credentialOverlapHours: 1, formats: FORMAT_LIST, followers }
  const registry = openRegistry(options)
  onTestFinished(() => registry.close())
  return registry
}

/** A closed registry, a copy of it from before a key was revoked, and that key. */
function withOlderCopy() {
  const { registry, path } = openWithTenants()
  const { key, id } = registry.keys.create({ role: 'admin', tenant: null, name: 'lost' })
  registry.close()
  const older = join(temporaryFolder(), 'older.db')
  copyFileSync(path, older)
  const again = open(path)
  again.keys.delete(id)
  again.close()
  return { path, older, key }
}

describe('a registry that is older than it was', () => {
  it('is refused by writer and readers, with what to do', () => {
    const { path, older } = withOlderCopy()
    copyFileSync(older, path)
    const { log } = createReadableLog()
    for (const act of [() => open(path), () => openRegistryReader({ path, log })]) {
      const { message } = refusal(act, 'DATA_DIR_FOREIGN')
      expect(message).toContain(path)
      expect(message).toMatch(/older.*restore a backup.*remove .*registry.db.generation/)
    }
    // Whoever means it can have it.
    rmSync(`${path}.generation`)
    expect(open(path).tenants.list()).toHaveLength(2)
  })

  it('is not refused when the file beside it missed the last change, as after a kill', () => {
    const { path, key } = withOlderCopy()
    const before = readFileSync(`${path}.generation`)
    const registry = open(path)
    registry.tenants.create({ id: 'corp', name: 'Corp' })
    registry.close()
    writeFileSync(`${path}.generation`, before)
    const again = open(path)
    expect(again.tenants.get('corp')).not.toBeNull()
    expect(again.keys.authenticate(key)).toBeNull()
    expect(readFileSync(`${path}.generation`).equals(before)).toBe(false)
  })

  it('is recognised only while the file beside it is whole', () => {
    const { path } = withOlderCopy()
    const whole = readFileSync(`${path}.generation`)
    for (let at = 0; at < whole.length - 1; at += 1) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 1
      writeFileSync(`${path}.generation`, damaged)
      const { message } = refusal(() => open(path), 'DATA_DIR_FOREIGN')
      expect(message).toMatch(/registry.db.generation.*damaged.*remove this file/)
    }
  })
})

describe('a registry that is missing', () => {
  it('is refused beside its file of changes, and not replaced by an empty one', () => {
    const { path } = withOlderCopy()
    truncateSync(path, 0)
    expect(refusal(() => open(path), 'DATA_DIR_FOREIGN').message).toContain('restore a backup')
    rmSync(path)
    expect(refusal(() => open(path), 'DATA_DIR_FOREIGN').message).toContain(path)
    expect(existsSync(path)).toBe(false)
  })

  it('is refused beside a file that is made after it, such as a journal', () => {
    const path = join(temporaryFolder(), 'registry.db')
    const journal = join(dirname(path), 'journal.json')
    open(path, [journal]).close()
    for (const end of ['', '.generation']) rmSync(path + end, { force: true })
    writeFileSync(journal, '{}')
    const { message } = refusal(() => open(path, [journal]), 'DATA_DIR_FOREIGN')
    expect(message).toContain(journal)
    expect(existsSync(path)).toBe(false)
  })
})
