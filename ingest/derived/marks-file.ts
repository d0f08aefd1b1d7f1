import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '#lib/runtime/sqlite.ts'

/*
 * `derived.db`: which intervals of the derived series do not show what the store holds (marks).
 *
 * The ingest worker adds marks, the main thread takes them away; each has a connection of its own.
 * Marks are on disk before the snapshot that covers their rows: after a crash the journal is read
 * again from the snapshot, which gives the same rows and so the marks that were lost. A mark
 * carries the version of the save it came with. What was computed after version v was read takes
 * away marks up to v alone, so rows that came in meanwhile keep theirs.
 */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE marks (
     step TEXT NOT NULL, at INTEGER NOT NULL, version INTEGER NOT NULL,
     due_ms INTEGER NOT NULL DEFAULT 0, looks INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (step, at)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE progress (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE meter_times (device TEXT PRIMARY KEY, times TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE known_keys (
     grouping TEXT NOT NULL, key TEXT NOT NULL, seen_day INTEGER NOT NULL,
     PRIMARY KEY (grouping, key)
   ) STRICT, WITHOUT ROWID;`,
]

/** The worker's connection: a commit is on disk when it returns. */
export function openMarksFile(path: string): DatabaseSync {
  return openDatabase(path, { migrations: MIGRATIONS })
}

/** The main thread's: a mark whose removal is lost is computed once more, which does no harm. */
export function openMarksReader(path: string): DatabaseSync {
  return openDatabase(path, { migrations: MIGRATIONS, synchronous: 'normal' })
}

export function progressOf(db: DatabaseSync, key: string): string | null {
  const row = db.prepare('SELECT value FROM progress WHERE key = ?').get(key)
  return row ? String(row['value']) : null
}

export function saveProgress(db: DatabaseSync, key: string, value: string): void {
  db.prepare('INSERT OR REPLACE INTO progress (key, value) VALUES (?, ?)').run(key, value)
}

/** Marks every interval of a span. */
export function markSpan(
  db: DatabaseSync,
  step: string,
  { from, to }: { readonly from: number; readonly to: number },
  version: number,
): void {
  db.prepare(
    `WITH RECURSIVE all_at (at) AS (SELECT ?1 WHERE ?1 <= ?2
       UNION ALL SELECT at + 1 FROM all_at WHERE at < ?2)
     INSERT OR REPLACE INTO marks (step, at, version) SELECT ?3, at, ?4 FROM all_at`,
  ).run(from, to, step, version)
}

/** Of the newest marks; 0 without any. */
export function latestVersion(db: DatabaseSync): number {
  return Number(db.prepare('SELECT coalesce(max(version), 0) AS last FROM marks').get()?.['last'])
}
