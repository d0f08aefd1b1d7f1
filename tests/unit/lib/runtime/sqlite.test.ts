import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isBusy, openDatabase, transaction, type DatabaseOptions } from '#lib/runtime/sqlite.ts'
import { refusal, temporaryFolder } from '../registry/test-registry.ts'

const FIRST =
  'CREATE TABLE entries (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO entries VALUES (1, "a")'.replaceAll(
    '"',
    "'",
  )
const SECOND = `ALTER TABLE entries ADD COLUMN note TEXT; UPDATE entries SET note = text || '!'`

function open(path: string, options: DatabaseOptions = { migrations: [FIRST] }): DatabaseSync {
  const db = openDatabase(path, options)
  onTestFinished(() => {
    if (db.isOpen) db.close()
  })
  return db
}

const newPath = () => join(temporaryFolder(), 'test.db')
const one = (db: DatabaseSync, sql: string) => Object.values(db.prepare(sql).get() ?? {})[0]

describe('a database', () => {
  it('is created for its owner alone, durable, with foreign keys enforced', () => {
    const path = newPath()
    const db = open(path)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(one(db, 'PRAGMA journal_mode')).toBe('wal')
    expect(one(db, 'PRAGMA synchronous')).toBe(2)
    expect(one(db, 'PRAGMA foreign_keys')).toBe(1)
    const loose = open(newPath(), { migrations: [FIRST], synchronous: 'normal' })
    expect(one(loose, 'PRAGMA synchronous')).toBe(1)
  })

  it('is migrated from version 1 to the version of the code with its entries', () => {
    const path = newPath()
    const first = open(path)
    first.exec(`INSERT INTO entries VALUES (2, 'b')`)
    first.close()
    const second = open(path, { migrations: [FIRST, SECOND] })
    expect(one(second, 'PRAGMA user_version')).toBe(2)
    expect(second.prepare('SELECT note FROM entries').all()).toEqual([
      { note: 'a!' },
      { note: 'b!' },
    ])
    second.close()
    // And once only.
    open(path, { migrations: [FIRST, SECOND] })
  })

  it('keeps its version when a migration fails', () => {
    const path = newPath()
    open(path).close()
    const broken = `UPDATE entries SET text = 'changed'; ALTER TABLE absent ADD COLUMN note TEXT`
    const error = refusal(() => open(path, { migrations: [FIRST, broken] }), 'DATA_DIR_FOREIGN')
    expect(error.message).toMatch(/test\.db: migration 2 does not fit .*no such table.*; restore/)
    const again = open(path)
    expect([one(again, 'PRAGMA user_version'), one(again, 'SELECT text FROM entries')]).toEqual([
      1,
      'a',
    ])
  })

  it('of a newer program is refused to writer and reader', () => {
    const path = newPath()
    open(path, { migrations: [FIRST, SECOND] }).close()
    for (const readOnly of [false, true]) {
      const act = () => open(path, { migrations: [FIRST], readOnly })
      expect(refusal(act, 'DATA_DIR_FOREIGN').message).toMatch(/version 1 or older, got version 2/)
    }
  })

  it('of an older version is brought up to date by the writer, never by a reader', () => {
    const path = newPath()
    const writer = open(path)
    const act = () => open(path, { migrations: [FIRST, SECOND], readOnly: true })
    expect(refusal(act, 'DATA_DIR_FOREIGN').message).toMatch(
      /expected .*version 2, got version 1; start/,
    )
    expect(one(writer, 'PRAGMA user_version')).toBe(1)
    const reader = open(path, { migrations: [FIRST], readOnly: true })
    expect(() => reader.exec('DELETE FROM entries')).toThrow(/readonly/)
  })

  it('is distinguished from a file that is not a database, and from one that cannot be opened', () => {
    const path = newPath()
    writeFileSync(path, 'some text, many times over; '.repeat(50))
    const foreign = refusal(() => open(path), 'DATA_DIR_FOREIGN')
    expect(foreign.message).toMatch(
      /test\.db: expected an SQLite database, got "file is not a database"/,
    )
    const missing = join(temporaryFolder(), 'none', 'test.db')
    expect(refusal(() => open(missing), 'DATA_DIR_UNUSABLE').message).toContain(missing)
    const reading = () => open(newPath(), { migrations: [FIRST], readOnly: true })
    expect(refusal(reading, 'DATA_DIR_UNUSABLE').message).toContain('unable to open')
    expect(existsSync(missing)).toBe(false)
  })

  it('keeps the mode of an existing file', () => {
    const path = newPath()
    open(path).close()
    chmodSync(path, 0o640)
    open(path)
    expect(statSync(path).mode & 0o777).toBe(0o640)
  })
})

describe('a transaction', () => {
  it('keeps everything, or nothing when its work throws', () => {
    const db = open(newPath())
    expect(
      transaction(db, () => db.prepare(`INSERT INTO entries VALUES (2, 'b')`).run().changes),
    ).toBe(1)
    const act = () =>
      transaction(db, () => {
        db.exec('DELETE FROM entries')
        throw new Error('changed its mind')
      })
    expect(act).toThrow('changed its mind')
    expect(db.isTransaction).toBe(false)
    expect(one(db, 'SELECT count(*) FROM entries')).toBe(2)
  })

  it('fails with isBusy while another connection writes, and works afterwards', () => {
    const path = newPath()
    const writer = open(path)
    const other = open(path)
    other.exec('PRAGMA busy_timeout = 0')
    writer.exec('BEGIN IMMEDIATE')
    const insert = () => transaction(other, () => other.exec(`INSERT INTO entries VALUES (2, 'b')`))
    let thrown: unknown = null
    try {
      insert()
    } catch (error) {
      thrown = error
    }
    expect(isBusy(thrown)).toBe(true)
    expect(isBusy(new Error('something else'))).toBe(false)
    expect(isBusy(null)).toBe(false)
    // Reading goes on meanwhile.
    expect(one(other, 'SELECT count(*) FROM entries')).toBe(1)
    writer.exec('COMMIT')
    insert()
    expect(one(writer, 'SELECT count(*) FROM entries')).toBe(2)
  })

  it('on a full disk changes nothing, says what to do, and works when there is room', () => {
    const path = newPath()
    const db = open(path)
    db.exec('PRAGMA max_page_count = 3')
    const insert = () =>
      transaction(db, () =>
        db.prepare('INSERT INTO entries VALUES (2, ?)').run('x'.repeat(100_000)),
      )
    const error = refusal(insert, 'DATA_DIR_UNUSABLE')
    expect(error.message).toMatch(/test\.db: expected .*, got ".*full"; make room on the disk/)
    expect(error.cause).toBeInstanceOf(Error)
    expect(db.isTransaction).toBe(false)
    expect(one(db, 'SELECT count(*) FROM entries')).toBe(1)
    db.exec('PRAGMA max_page_count = 10000')
    insert()
    expect(one(db, 'SELECT count(*) FROM entries')).toBe(2)
  })
})
