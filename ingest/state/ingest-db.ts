import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '#lib/runtime/sqlite.ts'

/** Migrations of `ingest.db` by number: the state of the intake, and the rejections. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE devices (
     id TEXT PRIMARY KEY,
     read INTEGER NOT NULL, stored INTEGER NOT NULL, rejected INTEGER NOT NULL,
     duplicate INTEGER NOT NULL, late INTEGER NOT NULL, partial INTEGER NOT NULL,
     commands INTEGER NOT NULL, clock TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE channels (
     device TEXT NOT NULL, channel TEXT NOT NULL, memory BLOB NOT NULL, loss TEXT NOT NULL,
     max_seq REAL NOT NULL, PRIMARY KEY (device, channel)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE last_values (
     device TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (device, kind)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE store_parts (name TEXT PRIMARY KEY, position INTEGER NOT NULL) STRICT;
   CREATE TABLE stage_minutes (
     minute INTEGER NOT NULL, stage TEXT NOT NULL, bucket INTEGER NOT NULL, n INTEGER NOT NULL,
     PRIMARY KEY (minute, stage, bucket)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE rejected_messages (
     position INTEGER PRIMARY KEY, device TEXT NOT NULL, topic TEXT NOT NULL,
     received_ns INTEGER NOT NULL, qos INTEGER NOT NULL, payload BLOB NOT NULL,
     whole INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE rejections (
     position INTEGER NOT NULL, item INTEGER NOT NULL, reason TEXT NOT NULL, path TEXT NOT NULL,
     expected TEXT NOT NULL, got TEXT NOT NULL, format TEXT NOT NULL,
     recovered_ns INTEGER, recovered_position INTEGER,
     PRIMARY KEY (position, item)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX rejected_messages_by_time ON rejected_messages (received_ns, position);`,
  `ALTER TABLE devices ADD COLUMN traffic TEXT NOT NULL DEFAULT 'null';
   CREATE INDEX rejected_messages_by_device ON rejected_messages (device, position);`,
  `ALTER TABLE rejections ADD COLUMN format_version INTEGER NOT NULL DEFAULT 1;
   ALTER TABLE rejections ADD COLUMN sub_device TEXT NOT NULL DEFAULT '';
   CREATE TABLE refused_replays (position INTEGER PRIMARY KEY, refused TEXT NOT NULL) STRICT;`,
  `ALTER TABLE devices ADD COLUMN certificate TEXT NOT NULL DEFAULT 'null';`,
  `-- The same tables, bigints as {"$bigint": "7"}: an older program must not read them.`,
  `ALTER TABLE channels ADD COLUMN lag TEXT NOT NULL DEFAULT 'null';`,
  `ALTER TABLE rejections ADD COLUMN since_position INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE rejections ADD COLUMN elements INTEGER NOT NULL DEFAULT 1;
   ALTER TABLE rejections ADD COLUMN covers TEXT NOT NULL DEFAULT '';`,
]

export function openIngestDb(path: string): DatabaseSync {
  return openDatabase(path, { migrations: MIGRATIONS })
}
