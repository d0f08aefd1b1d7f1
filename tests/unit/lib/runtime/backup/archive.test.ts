import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readArchive } from '#lib/runtime/backup/archive-reader.ts'
import { archiveOf, isArchived } from '#lib/runtime/backup/archive.ts'
import { archiveAtRest, writeBackupFile } from '#lib/runtime/backup/backup-file.ts'
import { openDataDir } from '#lib/runtime/data-dir.ts'
import { createLog } from '#lib/runtime/log.ts'
import { restoreArchive } from '#lib/runtime/backup/restore.ts'
import { decodeTarHeader, encodeTarHeader, paddingOf } from '#lib/runtime/backup/tar.ts'
import { temporaryDir } from '../../../../support/platform.ts'

const LOG = createLog('error')
const HEAD = { createdAt: '2026-11-24T12:00:00.000Z', journal: null, position: 7 }
const FILES: Readonly<Record<string, string>> = {
  'admin-key': 'pbk_secret\n',
  'registry.db': 'r'.repeat(1024),
  'journal/journal.json': '{}',
  'journal/0000000000000001.seg': '',
  'store/fleet-2026-11-24.duckdb': 'duck'.repeat(100_000),
}

let dir: ReturnType<typeof temporaryDir>
let source: string
let target: string
let file: string

beforeEach(() => {
  dir = temporaryDir('archive')
  source = join(dir.path, 'data')
  target = join(dir.path, 'restored')
  file = join(dir.path, 'backup.tar')
  for (const folder of ['', 'journal', 'store']) mkdirSync(join(source, folder))
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(source, name), text)
})
afterEach(() => dir.remove())

describe('a backup file', () => {
  it.each(['backup.tar', 'backup.tar.gz', 'backup.tar.zst'])(
    '%s comes back as it was',
    async (name) => {
      const path = join(dir.path, name)
      writeFileSync(join(source, 'run.json'), 'of this process only')
      const manifest = await writeBackupFile(path, archiveAtRest(source, HEAD))
      expect(manifest.files.map((one) => one.name).toSorted()).toEqual(
        Object.keys(FILES).toSorted(),
      )
      expect(statSync(path).mode & 0o777).toBe(0o600)
      await restoreArchive(path, target, LOG)
      for (const [one, text] of Object.entries(FILES)) {
        expect(readFileSync(join(target, one), 'utf8'), one).toBe(text)
        expect(statSync(join(target, one)).mode & 0o777).toBe(0o600)
      }
      expect(readdirSync(target).toSorted()).toEqual([
        'admin-key',
        'journal',
        'lock.db',
        'registry.db',
        'store',
      ])
    },
  )

  it('can be unpacked and checked with the tools of the system', async () => {
    await writeBackupFile(file, archiveAtRest(source, HEAD))
    const listed = execFileSync('tar', ['tf', file]).toString().trim().split('\n')
    expect(listed[0]).toBe('manifest.json')
    expect(listed.at(-1)).toBe('SHA256SUMS')
    mkdirSync(target)
    execFileSync('tar', ['xf', file, '-C', target])
    const sums = readFileSync(join(target, 'SHA256SUMS'), 'utf8').trim().split('\n')
    for (const line of sums) {
      const [sum, name = ''] = line.split('  ')
      expect(
        createHash('sha256')
          .update(readFileSync(join(target, name)))
          .digest('hex'),
      ).toBe(sum)
    }
    expect(sums.length).toBe(Object.keys(FILES).length)
  })

  it('never replaces another file, and leaves nothing when it fails', async () => {
    await writeBackupFile(file, archiveAtRest(source, HEAD))
    const before = readFileSync(file)
    await expect(writeBackupFile(file, archiveAtRest(source, HEAD))).rejects.toMatchObject({
      code: 'BACKUP_FAILED',
    })
    expect(readFileSync(file).equals(before)).toBe(true)
    const other = join(dir.path, 'other.tar')
    await expect(writeBackupFile(other, cutOff(before, 5000))).rejects.toMatchObject({
      code: 'BACKUP_INVALID',
    })
    expect(readdirSync(dir.path).toSorted()).toEqual(['backup.tar', 'data'])
  })

  it('fails when a file is changed while it is copied', async () => {
    const path = join(source, 'registry.db')
    const changing = archiveOf({ ...HEAD, durable: 9 }, [
      { name: 'registry.db', path, bytes: 1024, steadyBytes: 16 },
    ])
    const slowly = async function* () {
      for await (const chunk of changing) {
        if (chunk.length === 1024) writeFileSync(path, 'x'.repeat(1024))
        yield chunk
      }
    }
    await expect(writeBackupFile(file, slowly())).rejects.toThrow(/registry.db: .*changed/)
  })
})

describe('a restore', () => {
  it('is refused for a directory that is not empty, and changes nothing there', async () => {
    await writeBackupFile(file, archiveAtRest(source, HEAD))
    mkdirSync(target)
    writeFileSync(join(target, 'mine'), 'kept')
    await expect(restoreArchive(file, target, LOG)).rejects.toMatchObject({
      code: 'DATA_DIR_NOT_EMPTY',
      message: expect.stringMatching(/mine.*--data-dir/),
    })
    expect(readdirSync(target)).toEqual(['mine'])
  })

  it('is refused where a platform runs', async () => {
    await writeBackupFile(file, archiveAtRest(source, HEAD))
    const held = openDataDir(target, LOG)
    await expect(restoreArchive(file, target, LOG)).rejects.toMatchObject({
      code: 'DATA_DIR_LOCKED',
    })
    held.close()
  })

  it('is refused for an archive that was cut off, at any byte', async () => {
    await writeBackupFile(file, archiveAtRest(source, HEAD))
    const whole = readFileSync(file)
    for (const bytes of [0, 1, 511, 700, 3000, 200_000, whole.length - 1700, whole.length - 1024]) {
      await refused(whole.subarray(0, bytes), /cut off|ends too early/)
    }
    await refused(gzipSync(whole).subarray(0, 1000), /backup/)
  })

  it('is refused for a single wrong byte, wherever it is', async () => {
    await writeBackupFile(file, archiveAtRest(source, HEAD))
    const whole = readFileSync(file)
    const places = [0, 156, 520, ...[0.1, 0.5, 0.9].map((part) => Math.floor(whole.length * part))]
    for (const at of places) {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] ?? 0) ^ 0x21
      await refused(bytes, /./)
    }
  })

  it.each([
    ['an absolute path', '/etc/passwd', '0'],
    ['a way out', 'store/../../registry.db', '0'],
    ['a file of another program', 'registry.sh', '0'],
    ['the lock', 'lock.db', '0'],
    ['a link', 'registry.db', '2'],
    ['a hard link', 'registry.db', '1'],
    ['a folder', 'registry.db', '5'],
  ])('is refused for %s', async (_what, name, type) => {
    await refused(crafted({ version: 1, name, type }), /./)
    expect(readdirSync(dir.path)).not.toContain('registry.db')
  })

  it('is refused for an archive of a newer program, and says so', async () => {
    await refused(crafted({ version: 2, name: 'registry.db', type: '0' }), /version 2 of a newer/)
  })

  it('is refused for a file that is not a backup, or does not exist', async () => {
    await refused(Buffer.from('hello '.repeat(1000)), /backup/)
    await expect(restoreArchive(join(dir.path, 'none'), target, LOG)).rejects.toMatchObject({
      code: 'BACKUP_INVALID',
    })
  })

  it('works after one that was killed', async () => {
    await writeBackupFile(file, archiveAtRest(source, HEAD))
    mkdirSync(join(target, 'restore.tmp', 'store'), { recursive: true })
    await restoreArchive(file, target, LOG)
    expect(readdirSync(target)).not.toContain('restore.tmp')
  })

  async function refused(bytes: Buffer, why: RegExp): Promise<void> {
    const broken = join(dir.path, 'broken.tar')
    writeFileSync(broken, bytes)
    await expect(restoreArchive(broken, target, LOG)).rejects.toMatchObject({
      code: 'BACKUP_INVALID',
      message: expect.stringMatching(why),
    })
    expect(readdirSync(target)).toEqual(['lock.db'])
    await expect(readArchive(broken)).rejects.toMatchObject({ code: 'BACKUP_INVALID' })
  }
})

describe('tar headers', () => {
  it('keep sizes of any length', () => {
    for (const bytes of [0, 1, 8 ** 11 - 1, 8 ** 11, 2 ** 45]) {
      const header = encodeTarHeader({ name: 'store/figures.duckdb', bytes }, 1_764_000_000)
      expect(decodeTarHeader(header)).toEqual({ name: 'store/figures.duckdb', bytes, type: '0' })
    }
    expect(decodeTarHeader(Buffer.alloc(512))).toBeNull()
  })

  it('accept only the files of a data directory', () => {
    for (const name of Object.keys(FILES)) expect(isArchived(name), name).toBe(true)
    for (const name of [
      'run.json',
      'lock.db',
      'store/lock.db',
      'store/../x.duckdb',
      'journal/a.seg',
    ]) {
      expect(isArchived(name), name).toBe(false)
    }
  })
})

async function* cutOff(bytes: Buffer, at: number) {
  yield bytes.subarray(0, at)
}

/** An archive of one file whose header says what the test wants, with right checksums. */
function crafted(given: { version: number; name: string; type: string }): Buffer {
  const body = Buffer.from('body')
  const manifest = {
    format: 'padborg-backup',
    version: given.version,
    ...HEAD,
    durable: null,
    files: [{ name: given.name, bytes: body.length }],
  }
  const sum = createHash('sha256').update(body).digest('hex')
  return Buffer.concat([
    entry('manifest.json', Buffer.from(JSON.stringify(manifest))),
    entry(given.name, body, given.type),
    entry('SHA256SUMS', Buffer.from(`${sum}  ${given.name}\n`)),
    Buffer.alloc(1024),
  ])
}

function entry(name: string, body: Buffer, type = '0'): Buffer {
  const header = encodeTarHeader({ name, bytes: body.length }, 0)
  const old = header[156] ?? 0
  header.write(type, 156)
  const sum = Number.parseInt(header.toString('latin1', 148, 154), 8) + (header[156] ?? 0) - old
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, body, paddingOf(body.length)])
}
