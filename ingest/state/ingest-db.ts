import type { DatabaseSync } from 'node:sqlite'
import { decodeJson, encodeJson } from '#lib/runtime/bigint-json.ts'
import { openDatabase, transaction } from '#lib/runtime/sqlite.ts'
import { createClockFilter } from '#lib/kpi/network/clock.ts'
import { createLossState, type LossState } from '#lib/kpi/network/loss.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClientCertificate } from '#lib/telemetry/intake.ts'
import type { LastValue } from '#lib/telemetry/questions.ts'
import { createTraffic } from '../conformance/traffic.ts'
import { decodeMemory, encodeMemory } from './duplicate-memory.ts'
import {
  createDeviceState,
  showCounts,
  touchChannel,
  type DeviceState,
  type IntakeState,
} from './intake-state.ts'

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
]

export interface SavedState {
  /** UUID of the journal the state belongs to; null in a new database. */
  readonly journal: string | null
  readonly position: number
  readonly parts: Readonly<Record<string, number>>
}

export interface StageCount {
  readonly minute: number
  readonly stage: string
  readonly bucket: number
  readonly n: number
}

export interface Snapshot {
  readonly journal: string
  readonly position: number
  readonly parts: Readonly<Record<string, number>>
  readonly stages: readonly StageCount[]
}

export function openIngestDb(path: string): DatabaseSync {
  return openDatabase(path, { migrations: MIGRATIONS })
}

export function loadSaved(db: DatabaseSync): SavedState {
  const meta = new Map<string, string>()
  for (const row of db.prepare('SELECT key, value FROM meta').all()) {
    meta.set(String(row['key']), String(row['value']))
  }
  const parts: Record<string, number> = {}
  for (const row of db.prepare('SELECT name, position FROM store_parts').all()) {
    parts[String(row['name'])] = Number(row['position'])
  }
  return {
    journal: meta.get('journal') ?? null,
    position: Number(meta.get('position') ?? 0),
    parts,
  }
}

/** Messages counted per device at the saved position: where `accepted` goes on from. */
export function loadRead(db: DatabaseSync): Map<FullId, number> {
  const rows = db.prepare('SELECT id, read FROM devices').all()
  return new Map(rows.map((row) => [String(row['id']), Number(row['read'])]))
}

export function loadState(db: DatabaseSync): IntakeState {
  const devices = new Map<FullId, DeviceState>()
  const deviceOf = (id: FullId): DeviceState => {
    const made = devices.get(id) ?? createDeviceState()
    devices.set(id, made)
    return made
  }
  for (const row of db.prepare('SELECT * FROM devices').all()) {
    const device = deviceOf(String(row['id']))
    for (const name of COUNTS) device.counts[name] = Number(row[name])
    device.clock = decodeSaved(String(row['clock']), createClockFilter())
    device.traffic = decodeSaved(String(row['traffic']), createTraffic())
    device.certificate = decodeSaved<ClientCertificate | null>(String(row['certificate']), null)
  }
  for (const row of db.prepare('SELECT * FROM channels').all()) {
    const channel = touchChannel(deviceOf(String(row['device'])), String(row['channel']))
    const { memory } = row
    if (memory instanceof Uint8Array) channel.memory = decodeMemory(memory)
    channel.loss = decodeSaved<LossState>(String(row['loss']), createLossState())
    channel.maxSeq = Number(row['max_seq'])
  }
  for (const row of db.prepare('SELECT * FROM last_values').all()) {
    const value = decodeSaved<LastValue | null>(String(row['value']), null)
    if (value) deviceOf(String(row['device'])).last.set(String(row['kind']), value)
  }
  const state = { devices, dirty: new Set<FullId>(), batch: 0 }
  showCounts(state, devices.keys())
  return state
}

const COUNTS = ['read', 'stored', 'rejected', 'duplicate', 'late', 'partial', 'commands'] as const

/** Saves what changed, and the position it stands for, in one transaction. */
export function saveSnapshot(db: DatabaseSync, state: IntakeState, snapshot: Snapshot): void {
  const device = db.prepare(
    `INSERT OR REPLACE INTO devices
       (id, read, stored, rejected, duplicate, late, partial, commands, clock, traffic, certificate)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const channel = db.prepare(
    'INSERT OR REPLACE INTO channels (device, channel, memory, loss, max_seq) VALUES (?, ?, ?, ?, ?)',
  )
  const last = db.prepare(
    'INSERT OR REPLACE INTO last_values (device, kind, value) VALUES (?, ?, ?)',
  )
  transaction(db, () => {
    for (const id of state.dirty) {
      const known = state.devices.get(id)
      if (!known) continue
      const counts = COUNTS.map((name) => known.counts[name])
      const { clock, traffic, certificate } = known
      device.run(id, ...counts, encodeJson(clock), encodeJson(traffic), encodeJson(certificate))
      for (const [name, { memory, loss, maxSeq }] of known.channels) {
        channel.run(id, name, encodeMemory(memory), encodeJson(loss), maxSeq)
      }
      for (const [kind, value] of known.last) last.run(id, kind, encodeJson(value))
    }
    saveMeta(db, snapshot)
    saveStages(db, snapshot.stages)
  })
  state.dirty.clear()
}

function saveMeta(db: DatabaseSync, { journal, position, parts }: Snapshot): void {
  const meta = db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
  meta.run('journal', journal)
  meta.run('position', String(position))
  // Read again is only what lies behind the snapshot.
  db.prepare('DELETE FROM refused_replays WHERE position <= ?').run(position)
  db.exec('DELETE FROM store_parts')
  const part = db.prepare('INSERT INTO store_parts (name, position) VALUES (?, ?)')
  for (const [name, at] of Object.entries(parts)) part.run(name, at)
}

function saveStages(db: DatabaseSync, stages: readonly StageCount[]): void {
  const add = db.prepare(
    `INSERT INTO stage_minutes (minute, stage, bucket, n) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET n = n + excluded.n`,
  )
  for (const { minute, stage, bucket, n } of stages) add.run(minute, stage, bucket, n)
}

/**
 * Programs up to version 4 of the database wrote a bigint as `"7n"`. Only names that end in `Ns`
 * held one: the same text in any other place is what a device has sent.
 */
const OLD_BIGINT = /("\w+Ns":)"(-?\d+)n"/g

function decodeSaved<T>(text: string, fallback: T): T {
  const value = decodeJson(text.replace(OLD_BIGINT, '$1{"$bigint":"$2"}'))
  // Written from the same type.
  return value === null ? fallback : (value as T)
}
