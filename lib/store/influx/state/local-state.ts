import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { PlatformError } from '#lib/runtime/errors.ts'
import { openDatabase, transaction } from '#lib/runtime/sqlite.ts'
import { isKind } from '#lib/telemetry/catalogue.ts'
import { formatSequence, parseSequence, type ChannelSequence } from '../../sequences.ts'
import { retentionOfPart } from '../../part-names.ts'
import { newestNs } from '../../extent.ts'
import { createPart, type Part } from './part.ts'

/*
 * InfluxDB has no transactions. What has to change together is therefore kept beside it, in one
 * small file: up to which position figures are made, the sequence numbers of the channels as of
 * there, and the lines of the last flush until InfluxDB has them all. A flush that is cut off is
 * sent again as the same lines, which are the same points.
 */

export const LOCAL_FILE = 'influx.db'

const MIGRATIONS = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
   CREATE TABLE parts (name TEXT NOT NULL, kind TEXT NOT NULL, position INTEGER NOT NULL,
     rows INTEGER NOT NULL, min_ns TEXT NOT NULL, max_ns TEXT NOT NULL,
     PRIMARY KEY (name, kind)) STRICT;
   CREATE TABLE dropped (name TEXT PRIMARY KEY, position INTEGER NOT NULL,
     max_ns TEXT NOT NULL) STRICT;
   CREATE TABLE channels (key TEXT PRIMARY KEY, run TEXT NOT NULL) STRICT;
   CREATE TABLE dirty_hours (hour INTEGER PRIMARY KEY) STRICT;
   CREATE TABLE outbox (nth INTEGER PRIMARY KEY, lines TEXT NOT NULL) STRICT;`,
]

export interface Dropped {
  readonly position: number
  readonly maxNs: bigint
}

export interface Flush {
  readonly upTo: number
  readonly lines: readonly string[]
  readonly hours: Iterable<number>
  readonly channels: ReadonlyMap<string, ChannelSequence>
}

/** Throws DATA_DIR_FOREIGN where the file is of another journal. */
export function openLocalState(dir: string, journal: string): LocalState {
  const path = join(dir, LOCAL_FILE)
  const db = openDatabase(path, { migrations: MIGRATIONS })
  try {
    requireJournal(db, path, journal)
    return new LocalState(db)
  } catch (error) {
    db.close()
    throw error
  }
}

function requireJournal(db: DatabaseSync, path: string, journal: string): void {
  db.prepare('INSERT OR IGNORE INTO meta VALUES (?, ?)').run('journal', journal)
  const found = metaOf(db, 'journal')
  if (found === journal) return
  throw new PlatformError(
    'DATA_DIR_FOREIGN',
    `${path}: expected the state of journal ${journal}, got that of ${found}; ` +
      `put the parts of one data directory together, or begin with an empty one`,
  )
}

function metaOf(db: DatabaseSync, key: string): string | null {
  const value = db.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.['value']
  return value === undefined ? null : String(value)
}

/** What is kept beside InfluxDB; every method is durable when it returns. */
export class LocalState {
  readonly parts: Map<string, Part>
  readonly channels: Map<string, ChannelSequence>
  readonly #db: DatabaseSync
  readonly #dropped: Map<string, Dropped>
  readonly #dirtyHours: Map<number, number>
  readonly #setMeta: StatementSync
  readonly #setPart: StatementSync
  #rolled: number
  #minuteFloorNs: bigint

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#rolled = Number(metaOf(db, 'rolled') ?? 0)
    this.#minuteFloorNs = BigInt(metaOf(db, 'minute_floor_ns') ?? 0)
    this.parts = readParts(db)
    this.channels = readChannels(db)
    this.#dropped = readDropped(db)
    this.#dirtyHours = readHours(db)
    this.#setMeta = db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)')
    this.#setPart = db.prepare('INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)')
  }

  /** Figures go up to here, in InfluxDB or in the outbox. */
  get rolled(): number {
    return this.#rolled
  }

  get minuteFloorNs(): bigint {
    return this.#minuteFloorNs
  }

  get dropped(): ReadonlyMap<string, Dropped> {
    return this.#dropped
  }

  /** Hours whose minutes have changed since they were made, and when (by position). */
  get dirtyHours(): ReadonlyMap<number, number> {
    return this.#dirtyHours
  }

  saveFlush({ upTo, lines, hours, channels }: Flush): void {
    const changed = [...hours]
    transaction(this.#db, () => {
      this.#setMeta.run('rolled', String(upTo))
      this.#addLines(lines)
      const addHour = this.#db.prepare('INSERT OR IGNORE INTO dirty_hours VALUES (?)')
      for (const hour of changed) addHour.run(hour)
      const setChannel = this.#db.prepare('INSERT OR REPLACE INTO channels VALUES (?, ?)')
      for (const [key, sequence] of channels) setChannel.run(key, formatSequence(sequence))
      this.#saveParts()
    })
    this.#rolled = upTo
    for (const hour of changed) this.#dirtyHours.set(hour, upTo)
    for (const [key, sequence] of channels) this.channels.set(key, sequence)
  }

  /** Lines that InfluxDB may not have yet. */
  outbox(): readonly string[] {
    const rows = this.#db.prepare('SELECT lines FROM outbox ORDER BY nth').all()
    // Written by `saveFlush`.
    return rows.flatMap((row) => JSON.parse(String(row['lines'])) as string[])
  }

  emptyOutbox(): void {
    this.#db.exec('DELETE FROM outbox')
  }

  hourRolled(hour: number): void {
    this.#db.prepare('DELETE FROM dirty_hours WHERE hour = ?').run(hour)
    this.#dirtyHours.delete(hour)
  }

  setMinuteFloor(floorNs: bigint): void {
    this.#setMeta.run('minute_floor_ns', String(floorNs))
    this.#minuteFloorNs = floorNs
  }

  dropParts(gone: readonly Part[]): void {
    transaction(this.#db, () => {
      const insert = this.#db.prepare('INSERT OR REPLACE INTO dropped VALUES (?, ?, ?)')
      const remove = this.#db.prepare('DELETE FROM parts WHERE name = ?')
      for (const { name, position, extents } of gone) {
        insert.run(name, position, String(newestNs(extents)))
        remove.run(name)
      }
    })
    for (const { name, position, extents } of gone) {
      this.parts.delete(name)
      this.#dropped.set(name, { position, maxNs: newestNs(extents) })
    }
  }

  /** Goes back or forth to the position of InfluxDB; parts end there at the latest. */
  reset(rolled: number): void {
    for (const part of this.parts.values()) part.position = Math.min(part.position, rolled)
    transaction(this.#db, () => {
      this.#setMeta.run('rolled', String(rolled))
      this.#db.exec('DELETE FROM channels')
      this.#saveParts()
    })
    this.channels.clear()
    this.#rolled = rolled
  }

  copyTo(path: string): void {
    this.#db.prepare('VACUUM INTO ?').run(path)
  }

  close(): void {
    this.#db.close()
  }

  #addLines(lines: readonly string[]): void {
    const insert = this.#db.prepare('INSERT INTO outbox (lines) VALUES (?)')
    for (let from = 0; from < lines.length; from += OUTBOX_LINES) {
      insert.run(JSON.stringify(lines.slice(from, from + OUTBOX_LINES)))
    }
  }

  #saveParts(): void {
    for (const { name, position, extents } of this.parts.values()) {
      for (const [kind, { rows, minNs, maxNs }] of extents) {
        this.#setPart.run(name, kind, position, rows, String(minNs), String(maxNs))
      }
    }
  }
}

/** Lines of the outbox per row. */
const OUTBOX_LINES = 1000

function readParts(db: DatabaseSync): Map<string, Part> {
  const parts = new Map<string, Part>()
  for (const row of db.prepare('SELECT * FROM parts').all()) {
    const [name, kind] = [String(row['name']), String(row['kind'])]
    const retention = retentionOfPart(name)
    if (!retention || !isKind(kind)) continue
    const part = parts.get(name) ?? createPart(name, retention)
    parts.set(name, part)
    part.position = Math.max(part.position, Number(row['position']))
    part.extents.set(kind, {
      rows: Number(row['rows']),
      minNs: BigInt(String(row['min_ns'])),
      maxNs: BigInt(String(row['max_ns'])),
    })
  }
  return parts
}

function readDropped(db: DatabaseSync): Map<string, Dropped> {
  const rows = db.prepare('SELECT * FROM dropped').all()
  return new Map(
    rows.map((row) => [
      String(row['name']),
      { position: Number(row['position']), maxNs: BigInt(String(row['max_ns'])) },
    ]),
  )
}

function readChannels(db: DatabaseSync): Map<string, ChannelSequence> {
  const rows = db.prepare('SELECT * FROM channels').all()
  return new Map(rows.map((row) => [String(row['key']), parseSequence(String(row['run']))]))
}

function readHours(db: DatabaseSync): Map<number, number> {
  const rows = db.prepare('SELECT hour FROM dirty_hours').all()
  return new Map(rows.map((row) => [Number(row['hour']), 0]))
}
