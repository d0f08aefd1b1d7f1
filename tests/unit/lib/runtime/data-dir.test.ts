import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { adminKey, openDataDir, readRunFile } from '#lib/runtime/data-dir.ts'
import { createReadableLog, refusal, temporaryFolder } from '../registry/test-registry.ts'

const RUN = { pid: 4711, addresses: { mqtt: 1883, http: 8080 }, token: 'pbl_token' }
const { log: quiet } = createReadableLog()

function open(path: string, log = quiet) {
  const dir = openDataDir(path, log)
  onTestFinished(() => dir.close())
  return dir
}

/** What is in the folder beside the lock. */
function namesIn(path: string): string[] {
  return readdirSync(path).filter((name) => !name.startsWith('lock.db'))
}

describe('a data directory', () => {
  it('is created with its parent folders, for its owner alone, and released by close', () => {
    const path = join(temporaryFolder(), 'a', 'b')
    const dir = open(path)
    expect(dir.path).toBe(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(namesIn(path)).toEqual([])
    dir.close()
    dir.close()
    open(path)
  })

  it('cannot be a file, nor lie below one', () => {
    const file = join(temporaryFolder(), 'data')
    writeFileSync(file, '')
    for (const path of [file, join(file, 'below')]) {
      const { message } = refusal(() => open(path), 'DATA_DIR_UNUSABLE')
      expect(message).toMatch(
        /^PADBORG_DATA_DIR=.*: expected a directory .*, got .*; .* set PADBORG_DATA_DIR/,
      )
      expect(message).toContain(path)
    }
  })

  it('is refused to a second platform, which names the first', () => {
    const path = temporaryFolder()
    const dir = open(path)
    expect(refusal(() => open(path), 'DATA_DIR_LOCKED').message).not.toContain('pid')
    dir.writeRunFile(RUN)
    const { message } = refusal(() => open(path), 'DATA_DIR_LOCKED')
    expect(message).toContain(`PADBORG_DATA_DIR=${path}: another platform (pid 4711) runs on`)
    // The attempt neither took the lock away nor the run file.
    expect(readRunFile(path)).toEqual(RUN)
    refusal(() => open(path), 'DATA_DIR_LOCKED')
  })

  it('logs nothing when the last platform was shut down cleanly', () => {
    const path = temporaryFolder()
    const dir = open(path)
    dir.writeRunFile(RUN)
    dir.close()
    const { log, lines } = createReadableLog()
    open(path, log)
    expect(lines).toEqual([])
  })
})

describe('the run file', () => {
  it('is for its owner alone, replaced as a whole, and gone after close', () => {
    const path = temporaryFolder()
    const dir = open(path)
    expect(readRunFile(path)).toBeNull()
    dir.writeRunFile({ ...RUN, pid: 1 })
    dir.writeRunFile(RUN)
    expect(readRunFile(path)).toEqual(RUN)
    expect(statSync(join(path, 'run.json')).mode & 0o777).toBe(0o600)
    expect(namesIn(path)).toEqual(['run.json'])
    dir.close()
    expect(existsSync(join(path, 'run.json'))).toBe(false)
  })

  it.each([
    '',
    '{',
    '[]',
    'null',
    '{"pid":"1","token":"t","addresses":{}}',
    '{"pid":1,"token":"t"}',
  ])('is nobody to speak to when it holds %j, and no hindrance', (text) => {
    const path = temporaryFolder()
    writeFileSync(join(path, 'run.json'), text)
    expect(readRunFile(path)).toBeNull()
    open(path)
    expect(existsSync(join(path, 'run.json'))).toBe(false)
  })
})

describe('the admin key', () => {
  it('is made once, kept for its owner alone, and stays the same', () => {
    const path = temporaryFolder()
    const made = adminKey(path)
    expect(made.isNew).toBe(true)
    expect(made.key).toMatch(/^pbk_[\w-]{32}$/)
    expect(statSync(join(path, 'admin-key')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(path, 'admin-key'), 'utf8')).toBe(`${made.key}\n`)
    expect(adminKey(path)).toEqual({ key: made.key, isNew: false })
    expect(readdirSync(path)).toEqual(['admin-key'])
  })

  it('is the configured one where there is one, and no file is made', () => {
    const path = temporaryFolder()
    expect(adminKey(path, 'a-configured-key-of-mine')).toEqual({
      key: 'a-configured-key-of-mine',
      isNew: false,
    })
    expect(readdirSync(path)).toEqual([])
  })

  it('must not be short, and the refusal does not show it', () => {
    const path = temporaryFolder()
    for (const text of ['', '\n', 'too-short']) {
      writeFileSync(join(path, 'admin-key'), text)
      const { message } = refusal(() => adminKey(path), 'DATA_DIR_UNUSABLE')
      expect(message).toMatch(
        /admin-key: expected .* at least 16 characters, got \d+; remove the file/,
      )
      expect(message).not.toContain('too-short')
    }
  })

  it('that cannot be read or written is reported with its path', () => {
    const path = temporaryFolder()
    mkdirSync(join(path, 'admin-key'))
    expect(refusal(() => adminKey(path), 'DATA_DIR_UNUSABLE').message).toContain('admin-key')
    const missing = refusal(() => adminKey(join(path, 'missing')), 'DATA_DIR_UNUSABLE')
    expect(missing.message).toContain('cannot be written')
  })
})
