import type { DatabaseSync } from 'node:sqlite'
import { decodeJson, encodeJson } from '#lib/runtime/encoding/bigint-json.ts'
import { explainFailure, transaction } from '#lib/runtime/sqlite.ts'
import { createClockFilter } from '#lib/kpi/network/clock.ts'
import { createLossState, type LossState } from '#lib/kpi/network/loss.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClientCertificate } from '#lib/telemetry/intake.ts'
import type { LastValue } from '#lib/telemetry/reading.ts'
import { createTraffic } from '../conformance/traffic.ts'
import { createConstantLag, type ConstantLag } from './constant-lag.ts'
import { createChannelMemory, decodeMemory, encodeMemory } from './duplicate-memory.ts'
import {
  createDeviceState,
  createIntakeState,
  showCounts,
  type ChannelState,
  type DeviceState,
  type IntakeState,
} from './intake-state.ts'
import type { StageCount } from './stage-clock.ts'

export interface SavedState {
  /** UUID of the journal the state belongs to; null in a new database. */
  readonly journal: string | null
  readonly position: number
  readonly parts: Readonly<Record<string, number>>
}

export interface Snapshot {
  readonly journal: string
  readonly position: number
  readonly parts: Readonly<Record<string, number>>
  readonly stages: readonly StageCount[]
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

/** Receive time of the newest last value; null where there is none. */
export function newestReceived(db: DatabaseSync): bigint | null {
  let newest: bigint | null = null
  for (const row of db.prepare('SELECT value FROM last_values').iterate()) {
    const value = decodeSaved<LastValue | null>(String(row['value']), null)
    if (value && (newest === null || value.receivedAtNs > newest)) newest = value.receivedAtNs
  }
  return newest
}

/** Of a device with more channels than it may have, those that were heard last are kept. */
export function loadState(db: DatabaseSync, maxChannels: number): IntakeState {
  try {
    return stateIn(db, maxChannels)
  } catch (error) {
    throw explainFailure(db.location() ?? 'ingest.db', error)
  }
}

function stateIn(db: DatabaseSync, maxChannels: number): IntakeState {
  const state = createIntakeState()
  const deviceOf = (id: FullId): DeviceState => {
    const device = state.devices.get(id) ?? createDeviceState()
    state.devices.set(id, device)
    return device
  }
  for (const row of db.prepare('SELECT * FROM devices').all()) {
    const device = deviceOf(String(row['id']))
    for (const name of COUNTS) device.counts[name] = Number(row[name])
    device.clock = decodeSaved(String(row['clock']), createClockFilter())
    device.traffic = decodeSaved(String(row['traffic']), createTraffic())
    device.certificate = decodeSaved<ClientCertificate | null>(String(row['certificate']), null)
  }
  // One row at a time: an earlier version kept as many as a device had topics.
  for (const row of db.prepare('SELECT * FROM channels').iterate()) {
    const { channels } = deviceOf(String(row['device']))
    channels.set(String(row['channel']), channelIn(row))
    if (channels.size > maxChannels) channels.delete(oldestOf(channels))
  }
  for (const row of db.prepare('SELECT * FROM last_values').all()) {
    const value = decodeSaved<LastValue | null>(String(row['value']), null)
    if (value) deviceOf(String(row['device'])).last.set(String(row['kind']), value)
  }
  showCounts(state, state.devices.keys())
  return state
}

function channelIn({
  memory,
  loss,
  max_seq: maxSeq,
  lag,
}: Readonly<Record<string, unknown>>): ChannelState {
  return {
    memory: memory instanceof Uint8Array ? decodeMemory(memory) : createChannelMemory(),
    loss: decodeSaved<LossState>(String(loss), createLossState()),
    maxSeq: Number(maxSeq),
    lag: decodeSaved<ConstantLag>(String(lag), createConstantLag()),
  }
}

function oldestOf(channels: ReadonlyMap<string, ChannelState>): string {
  let oldest = ''
  let oldestNs: bigint | null = null
  for (const [name, { memory }] of channels) {
    if (oldestNs !== null && memory.maxTimeNs >= oldestNs) continue
    oldest = name
    oldestNs = memory.maxTimeNs
  }
  return oldest
}

const COUNTS = ['read', 'stored', 'rejected', 'duplicate', 'late', 'partial', 'commands'] as const

/** Saves what changed, and the position it belongs to, in one transaction. */
export function saveSnapshot(db: DatabaseSync, state: IntakeState, snapshot: Snapshot): void {
  const device = db.prepare(
    `INSERT OR REPLACE INTO devices
       (id, read, stored, rejected, duplicate, late, partial, commands, clock, traffic, certificate)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const channel = db.prepare(
    `INSERT OR REPLACE INTO channels (device, channel, memory, loss, max_seq, lag)
     VALUES (?, ?, ?, ?, ?, ?)`,
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
      for (const [name, { memory, loss, maxSeq, lag }] of known.channels) {
        channel.run(id, name, encodeMemory(memory), encodeJson(loss), maxSeq, savedLag(lag))
      }
      for (const [kind, value] of known.last) last.run(id, kind, encodeJson(value))
    }
    saveMeta(db, snapshot)
    saveStages(db, snapshot.stages)
  })
  state.dirty.clear()
}

/** Most clocks are right: nothing is kept of them. */
function savedLag(lag: ConstantLag): string {
  return encodeJson(lag.messages === 0 && lag.provenNs === null ? null : lag)
}

function saveMeta(db: DatabaseSync, { journal, position, parts }: Snapshot): void {
  const meta = db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)')
  meta.run('journal', journal)
  meta.run('position', String(position))
  // Only what follows the snapshot is read again.
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
