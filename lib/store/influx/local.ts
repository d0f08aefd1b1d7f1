import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { PlatformError } from '#lib/runtime/errors.ts'
import { openDatabase, transaction } from '#lib/runtime/sqlite.ts'
import { isKind } from '#lib/telemetry/catalogue.ts'
import { formatSequence, parseSequence, type ChannelSequence } from '../sequences.ts'
import { retentionOfPart } from '../part-names.ts'
import { createPart, newestNs, type Part } from './parts.ts'

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

/** What is kept beside InfluxDB; every method is durable when it returns. */
export interface Local {
  /** Figures go up to here, in InfluxDB or in the outbox. */
  readonly rolled: number
  readonly minuteFloorNs: bigint
  readonly parts: Map<string, Part>
  readonly dropped: ReadonlyMap<string, Dropped>
  readonly channels: Map<string, ChannelSequence>
  /** Hours whose minutes have changed since they were made, and when (by position). */
  readonly dirtyHours: ReadonlyMap<number, number>
  saveFlush(flush: Flush): void
  /** Lines that InfluxDB may not have yet. */
  outbox(): readonly string[]
  emptyOutbox(): void
  hourRolled(hour: number): void
  setMinuteFloor(floorNs: bigint): void
  dropParts(parts: readonly Part[]): void
  /** Goes back or forth to what InfluxDB itself says; parts end there at the latest. */
  reset(rolled: number): void
  copyTo(path: string): void
  close(): void
}

/** Throws DATA_DIR_FOREIGN where the file is of another journal. */
export function openLocal(dir: string, journal: string): Local {
  const path = join(dir, LOCAL_FILE)
  const db = openDatabase(path, { migrations: MIGRATIONS })
  try {
    requireJournal(db, path, journal)
    return createLocal(db)
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

function createLocal(db: DatabaseSync): Local {
  let rolled = Number(metaOf(db, 'rolled') ?? 0)
  let minuteFloorNs = BigInt(metaOf(db, 'minute_floor_ns') ?? 0)
  const parts = readParts(db)
  const dropped = readDropped(db)
  const channels = readChannels(db)
  const dirtyHours = readHours(db)
  const setMeta = db.prepare('INSERT OR REPLACE INTO meta VALUES (?, ?)')
  const setPart = db.prepare('INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?, ?, ?)')
  const setChannel = db.prepare('INSERT OR REPLACE INTO channels VALUES (?, ?)')
  const addHour = db.prepare('INSERT OR IGNORE INTO dirty_hours VALUES (?)')
  const removeHour = db.prepare('DELETE FROM dirty_hours WHERE hour = ?')
  const addLines = db.prepare('INSERT INTO outbox (lines) VALUES (?)')

  return {
    get rolled() {
      return rolled
    },
    get minuteFloorNs() {
      return minuteFloorNs
    },
    parts,
    dropped,
    channels,
    dirtyHours,
    saveFlush({ upTo, lines, hours, channels: changed }) {
      const fresh = [...hours]
      transaction(db, () => {
        setMeta.run('rolled', String(upTo))
        for (let from = 0; from < lines.length; from += OUTBOX_LINES) {
          addLines.run(JSON.stringify(lines.slice(from, from + OUTBOX_LINES)))
        }
        for (const hour of fresh) addHour.run(hour)
        for (const [key, run] of changed) setChannel.run(key, formatSequence(run))
        saveParts()
      })
      rolled = upTo
      for (const hour of fresh) dirtyHours.set(hour, upTo)
      for (const [key, run] of changed) channels.set(key, run)
    },
    outbox() {
      const rows = db.prepare('SELECT lines FROM outbox ORDER BY nth').all()
      // Written by `saveFlush`.
      return rows.flatMap((row) => JSON.parse(String(row['lines'])) as string[])
    },
    emptyOutbox() {
      db.exec('DELETE FROM outbox')
    },
    hourRolled(hour) {
      removeHour.run(hour)
      dirtyHours.delete(hour)
    },
    setMinuteFloor(floorNs) {
      setMeta.run('minute_floor_ns', String(floorNs))
      minuteFloorNs = floorNs
    },
    dropParts(gone) {
      transaction(db, () => {
        for (const part of gone) {
          db.prepare('INSERT OR REPLACE INTO dropped VALUES (?, ?, ?)').run(
            part.name,
            part.position,
            String(newestNs(part)),
          )
          db.prepare('DELETE FROM parts WHERE name = ?').run(part.name)
        }
      })
      for (const part of gone) {
        parts.delete(part.name)
        dropped.set(part.name, { position: part.position, maxNs: newestNs(part) })
      }
    },
    reset(to) {
      for (const part of parts.values()) part.position = Math.min(part.position, to)
      transaction(db, () => {
        setMeta.run('rolled', String(to))
        db.exec('DELETE FROM channels')
        saveParts()
      })
      channels.clear()
      rolled = to
    },
    copyTo(path) {
      db.prepare('VACUUM INTO ?').run(path)
    },
    close: () => db.close(),
  }

  function saveParts(): void {
    for (const { name, position, extents } of parts.values()) {
      for (const [kind, { rows, minNs, maxNs }] of extents) {
        setPart.run(name, kind, position, rows, String(minNs), String(maxNs))
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
