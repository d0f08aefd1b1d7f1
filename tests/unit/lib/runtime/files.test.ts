import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hardLink, syncFolder, syncFolderAsync, writeFileAtomic } from '#lib/runtime/files.ts'
import { temporaryDir } from '../../../support/platform.ts'

/** It has no file modes, and no folder that could be synced. */
const WINDOWS = process.platform === 'win32'
let dir: ReturnType<typeof temporaryDir>
beforeEach(() => {
  dir = temporaryDir('files')
})
afterEach(() => dir.remove())

it.skipIf(WINDOWS)(
  'writes a file for its owner alone, replaces an older one, and leaves no draft',
  () => {
    const path = join(dir.path, 'a')
    writeFileAtomic(path, 'one')
    writeFileAtomic(path, Buffer.from('two'))
    expect(readFileSync(path, 'utf8')).toBe('two')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    writeFileAtomic(path, 'three', { mode: 0o640 })
    expect(statSync(path).mode & 0o777).toBe(0o640)
    expect(readdirSync(dir.path)).toEqual(['a'])
  },
)

it('keeps the existing file when asked to: the first writer wins', () => {
  const path = join(dir.path, 'key')
  writeFileAtomic(path, 'first', { keepExisting: true })
  writeFileAtomic(path, 'second', { keepExisting: true })
  expect(readFileSync(path, 'utf8')).toBe('first')
  expect(readdirSync(dir.path)).toEqual(['key'])
})

it('leaves the old file and no draft when the new one cannot be put in its place', () => {
  const path = join(dir.path, 'taken')
  mkdirSync(join(path, 'folder'), { recursive: true })
  expect(() => writeFileAtomic(path, 'text')).toThrow('taken')
  expect(readdirSync(dir.path)).toEqual(['taken'])
})

it.skipIf(WINDOWS)('syncs folders that exist and fails for others', async () => {
  expect(() => syncFolder(dir.path)).not.toThrow()
  await expect(syncFolderAsync(dir.path)).resolves.toBeUndefined()
  expect(() => syncFolder(join(dir.path, 'none'))).toThrow('ENOENT')
  await expect(syncFolderAsync(join(dir.path, 'none'))).rejects.toThrow('ENOENT')
})

it('gives a file a second name that stays when the first one goes', () => {
  const [path, other] = [join(dir.path, 'a'), join(dir.path, 'b')]
  writeFileAtomic(path, 'text')
  hardLink(path, other)
  rmSync(path)
  expect(readFileSync(other, 'utf8')).toBe('text')
  expect(() => hardLink(path, join(dir.path, 'c'))).toThrow('ENOENT')
  expect(existsSync(join(dir.path, 'c'))).toBe(false)
})
