import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isPlatformError, systemCodeOf, type ErrorCode } from '#lib/runtime/errors.ts'
import { openStore } from '#lib/store/open.ts'
import type { StoreOptions } from '#lib/store/options.ts'
import type { OpenedStore, Store } from '#lib/store/store.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import {
  ALL,
  RETENTION,
  WIDE,
  expectRows,
  readAll,
  shown,
  storeOptions,
  throughputOf,
  writeAll,
} from './store-fixture.ts'
import {
  DAY_NS,
  DAY_START_NS,
  HOUR_NS,
  JOURNAL,
  SECOND_NS,
  batchesOf,
  randomFleet,
  reading,
  readingsFrom,
} from './store-rows.ts'
import { storeContract } from './store.ts'

const temporaryDir = () => mkdtempSync(join(tmpdir(), 'padborg-store-'))
const hasCode = (code: ErrorCode) => (error: unknown) => isPlatformError(error, code)

storeContract('DuckDB', () => {
  const path = temporaryDir()
  return {
    open: (over) => openStore(storeOptions(path, over)),
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
})

describe('DuckDB files', () => {
  let dirs: string[] = []
  let stores: Store[] = []
  let dir = ''

  beforeEach(() => {
    dir = temporaryDir()
    dirs = [dir]
    stores = []
  })
  afterEach(async () => {
    for (const store of stores) await store.upkeep.close()
    for (const path of dirs) rmSync(path, { recursive: true, force: true })
  })

  const open = async (over: Partial<StoreOptions> = {}, path = dir): Promise<OpenedStore> => {
    const opened = await openStore(storeOptions(path, over))
    stores.push(opened.store)
    return opened
  }
  /** What `kill -9` at this moment would leave. */
  const afterKill = (): string => {
    const copy = temporaryDir()
    dirs.push(copy)
    cpSync(dir, copy, { recursive: true })
    return copy
  }
  const fleetFile = 'fleet-2026-11-24.duckdb'

  it('are whole after a kill at any moment, and take the same batches again', async () => {
    const rows = randomFleet({ seed: 21, messages: 400 })
    const { store } = await open()
    const batches = batchesOf(rows, 50)
    for (const [at, batch] of batches.entries()) {
      await store.writer.write(batch)
      if (at === 3) await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
      if (at !== 1 && at !== 3 && at !== 6) continue
      const killed = await open({ expected: {} }, afterKill())
      expect(killed.missingFrom).toBeNull()
      for (const again of batches) await killed.store.writer.write(again)
      await expectRows(killed.store, rows)
      await killed.store.upkeep.maintain(DAY_START_NS + 2n * DAY_NS)
      const loss = await throughputOf(killed.store, {
        scope: ALL,
        ...WIDE,
        by: [],
        everyNs: null,
      })
      expect(loss[0]?.readings).toBe(rows.filter(({ flags }) => (flags & 256) === 0).length)
    }
  })

  it('heal a crash between two of them', async () => {
    const rows = randomFleet({ seed: 22, messages: 60 })
    const [batch] = batchesOf(rows, 60)
    const { store } = await open()
    const fleet = rows.filter(({ kind }) => kind !== 'heat_meter')
    await store.writer.write({ journal: JOURNAL, toPosition: 60, readings: fleet })
    const { store: next, missingFrom } = await open({}, afterKill())
    expect(missingFrom).toBeNull()
    await next.writer.write(batch!)
    await expectRows(next, rows)
  })

  it('of another journal, or ahead of it, are refused with the reason', async () => {
    const { store } = await open()
    await writeAll(store, readingsFrom(1, 20))
    await store.upkeep.close()
    await expect(open({ journal: 'another' })).rejects.toSatisfy(hasCode('DATA_DIR_FOREIGN'))
    await expect(open({ journalLast: 19 })).rejects.toSatisfy(hasCode('STORE_AHEAD'))
    await expect(open({ journalLast: 19 })).rejects.toThrow(/up to 19.*got 20/s)
    const { store: again } = await open({ journalLast: 20 })
    await expectRows(again, readingsFrom(1, 20))
  })

  it('cannot be opened twice, and are free after close', async () => {
    const { store } = await open()
    await writeAll(store, readingsFrom(1, 20))
    await expect(open()).rejects.toSatisfy(hasCode('DATA_DIR_LOCKED'))
    await store.upkeep.close()
    expect(openFiles(dir)).toEqual([])
    await open()
  })

  it('that cannot be read go to quarantine, and their rows are read again from the journal', async () => {
    const rows = randomFleet({ seed: 23, messages: 100 })
    const { store } = await open()
    await writeAll(store, rows)
    await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
    const expected = store.writer.positions()
    await store.upkeep.close()
    writeFileSync(join(dir, fleetFile), 'not a database at all')
    const { store: next, missingFrom } = await open({ expected })
    expect(missingFrom).toBe(1)
    expect(readdirSync(join(dir, 'quarantine'))).toContain(fleetFile)
    await writeAll(next, rows, 30)
    await expectRows(next, rows)
    await next.upkeep.maintain(DAY_START_NS + 2n * HOUR_NS)
    const [sum] = await throughputOf(next, { scope: ALL, ...WIDE, by: [], everyNs: null })
    expect(sum?.readings).toBe(rows.filter(({ flags }) => (flags & 256) === 0).length)
    const healed = next.writer.positions()
    await next.upkeep.close()
    expect((await open({ expected: healed })).missingFrom).toBeNull()
  })

  it.each([0, 4096, 8192])('that were never finished (%i bytes) are made again', async (size) => {
    const { store } = await open()
    await store.upkeep.close()
    writeFileSync(join(dir, fleetFile), Buffer.alloc(size))
    const { store: next, missingFrom } = await open()
    expect(missingFrom).toBeNull()
    await writeAll(next, readingsFrom(1, 50))
    await expectRows(next, readingsFrom(1, 50))
    expect(existsSync(join(dir, 'quarantine'))).toBe(false)
  })

  it('lose only the content of the WAL when it is damaged', async () => {
    const { store } = await open()
    await writeAll(store, readingsFrom(1, 50))
    await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
    await writeAll(store, readingsFrom(51, 100))
    const expected = store.writer.positions()
    const killed = afterKill()
    const wal = join(killed, `${fleetFile}.wal`)
    const bytes = readFileSync(wal)
    bytes.fill(0xa5, 40, Math.min(4000, bytes.length))
    writeFileSync(wal, bytes)
    const { store: next, missingFrom } = await open({ expected }, killed)
    expect(missingFrom).toBe(51)
    await writeAll(next, readingsFrom(51, 100))
    await expectRows(next, readingsFrom(1, 100))
  })

  it('that are missing, or older than what was saved, are noticed', async () => {
    const { store } = await open()
    await writeAll(store, readingsFrom(1, 50))
    await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
    await store.upkeep.close()
    const name = 'fleet-2026-11-24'
    const older = await open({ expected: { [name]: 70 } })
    expect(older.missingFrom).toBe(51)
    await older.store.upkeep.close()
    const lost = await open({ expected: { [name]: 50, 'metering-2026-11': 9 } })
    expect(lost.missingFrom).toBe(1)
  })

  it('go as a whole when their newest row is past retention, and stay gone', async () => {
    const retention = { ...RETENTION, fleetDays: 1 }
    const { store } = await open({ retention })
    const old = readingsFrom(1, 20)
    const young = readingsFrom(21, 40, { timeNs: DAY_START_NS + 2n * DAY_NS })
    await writeAll(store, [...old, ...young])
    const expected = store.writer.positions()
    await store.upkeep.maintain(DAY_START_NS + DAY_NS)
    expect(existsSync(join(dir, fleetFile))).toBe(true)
    const { droppedPartitions } = await store.upkeep.maintain(DAY_START_NS + 2n * DAY_NS + HOUR_NS)
    expect(droppedPartitions).toEqual(['fleet-2026-11-24'])
    expect(readdirSync(dir).filter((file) => file.startsWith(fleetFile))).toEqual([])
    await store.upkeep.close()
    const { store: next, missingFrom } = await open({ expected, retention })
    expect(missingFrom).toBeNull()
    await writeAll(next, old)
    expect(await readAll(next)).toEqual(young.map(shown))
    const [sum] = await throughputOf(next, { scope: ALL, ...WIDE, by: [], everyNs: null })
    expect(sum?.readings).toBe(40)
  })

  it('are no longer read once a scan is aborted', async () => {
    const { store } = await open()
    await writeAll(store, readingsFrom(1, 60_000), 5000)
    const heavy = {
      ...WIDE,
      scope: ALL,
      kind: 'truck',
      fields: null,
      limit: 1,
      cursor: null,
    } as const
    const ended: string[] = []
    const scan = async (name: string, signal?: AbortSignal) => {
      const query = { ...heavy, everyNs: 1_000_000_000n }
      const result = await store.reader.aggregates(query, signal).catch((error: unknown) => error)
      ended.push(name)
      return result
    }
    // It begins after the whole scan, and ends before it.
    const [whole, cut] = await Promise.all([scan('whole'), scan('cut', AbortSignal.timeout(5))])
    expect(cut).toMatchObject({ name: 'TimeoutError' })
    expect(ended).toEqual(['cut', 'whole'])
    expect(await scan('again')).toEqual(whole)
    const last = scan('last')
    await store.upkeep.close()
    await last
    expect(openFiles(dir)).toEqual([])
  })

  it('of an older program are read without the fields it did not know, and written with them', async () => {
    const { store } = await open()
    const rows = readingsFrom(1, 5, { radio: { band: 'n78' } })
    await writeAll(store, rows)
    await store.upkeep.maintain(DAY_START_NS + HOUR_NS)
    await store.upkeep.close()
    await alter(join(dir, fleetFile), [
      'ALTER TABLE f.truck DROP COLUMN "f_speedKmh"',
      'DROP TABLE f.probe',
      `DELETE FROM f.progress WHERE kind = 'probe'`,
      // And one of a newer program, which this one leaves empty.
      'ALTER TABLE f.truck ADD COLUMN "f_newerState" VARCHAR',
    ])
    const { store: next } = await open()
    const bare: Reading[] = rows.map((row) => ({ ...row, fields: {} }))
    await expectRows(next, bare)
    const fresh = [reading(6), reading(7, { kind: 'probe', fields: { rttMs: 3 } })]
    await writeAll(next, fresh)
    await expectRows(next, [...bare, ...fresh])
  })
})

const canMount = process.getuid?.() === 0 && process.platform === 'linux' && mountWorks()
if (!canMount)
  process.stderr.write('the store on a full tmpfs is skipped: it needs root on Linux\n')

/** As a new platform opens its store: the journal grows only afterwards. */
const NEW_JOURNAL = { journalLast: 0 }

describe.skipIf(!canMount)('DuckDB on a full disk', () => {
  let dir = ''
  let filler = ''

  beforeEach(() => {
    dir = temporaryDir()
    filler = join(dir, 'filler')
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', dir])
  })
  afterEach(() => {
    execFileSync('umount', ['-l', dir])
    rmSync(dir, { recursive: true, force: true })
  })
  const rows = readingsFrom(1, 20_000, { radio: { cellId: 'A1', band: 'n78' } })
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: unknown) => error,
    )

  it('refuses a batch, and takes the same one when there is space', async () => {
    const { store } = await openStore(storeOptions(dir, NEW_JOURNAL))
    const failures: unknown[] = []
    for (const [at, batch] of batchesOf(rows, 1000).entries()) {
      if (at === 2) fill(dir, filler)
      const failure = await failureOf(store.writer.write(batch))
      if (failure) {
        failures.push(failure, await failureOf(store.writer.write(batch)))
        rmSync(filler, { force: true })
        await store.writer.write(batch)
      }
      await store.upkeep.maintain(DAY_START_NS + BigInt(at) * HOUR_NS)
    }
    expect(failures).toHaveLength(2)
    expect(failures.every(hasCode('STORE_UNAVAILABLE'))).toBe(true)
    await expectRows(store, rows)
    await store.upkeep.close()
    expect(openFiles(dir)).toEqual([])
  }, 60_000)

  it('opens its files again after a failed checkpoint, which is fatal to the instance', async () => {
    const { store } = await openStore(storeOptions(dir, NEW_JOURNAL))
    const [first, second, third] = batchesOf(rows, 7000)
    const midnightNs = DAY_START_NS + DAY_NS
    await store.writer.write(first!)
    await store.upkeep.maintain(midnightNs + SECOND_NS)
    await store.writer.write(second!)
    fill(dir, filler)
    // The day is over, so its file is checkpointed at once; the roll-up has no turn before that.
    const failures = [
      await failureOf(store.upkeep.maintain(midnightNs + 2n * SECOND_NS)),
      await failureOf(store.writer.write(third!)),
    ]
    expect(failures.every(hasCode('STORE_UNAVAILABLE'))).toBe(true)
    expect(String(failures[0])).toContain('invalidated')
    await expectRows(store, rows.slice(0, 14_000))
    rmSync(filler, { force: true })
    await store.writer.write(third!)
    expect((await store.upkeep.maintain(midnightNs + HOUR_NS)).checkpointed).toBe(20_000)
    await expectRows(store, rows)
    await store.upkeep.close()
    expect(openFiles(dir)).toEqual([])
  }, 60_000)
})

/** Files below a folder that this process has open; the lock is given back on its own. */
function openFiles(dir: string): string[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(join('/proc/self/fd', fd))
      return path.startsWith(dir) ? [path] : []
    } catch {
      // The descriptor of this very listing is closed by now.
      return []
    }
  })
}

async function alter(path: string, statements: readonly string[]): Promise<void> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  for (const sql of [`ATTACH '${path}' AS f`, ...statements, 'CHECKPOINT f', 'DETACH f']) {
    await connection.run(sql)
  }
  connection.closeSync()
  instance.closeSync()
}

/** Leaves not a block free. */
function fill(path: string, filler: string): void {
  for (const size of [1024 * 1024, 4096]) {
    const { bavail, bsize } = statfsSync(path)
    try {
      for (let n = Math.ceil((bavail * bsize) / size) + 1; n > 0; n -= 1) {
        writeFileSync(filler, Buffer.alloc(size, 1), { flag: 'a' })
      }
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOSPC') throw error
    }
  }
}

function mountWorks(): boolean {
  const dir = temporaryDir()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'ignore' })
    execFileSync('umount', [dir])
    return true
  } catch {
    // Not allowed here: the test says that it is skipped.
    return false
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
