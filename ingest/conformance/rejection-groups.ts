import type { DatabaseSync } from 'node:sqlite'
import type { FullId } from '#lib/telemetry/ids.ts'
import { REJECTION_REASONS } from '#lib/telemetry/rejection.ts'
import type { RejectionGroup } from './judgement.ts'
import { shownValue } from './shown-value.ts'

/** A message of which nothing could be stored. */
export interface LastRejected {
  readonly topic: string
  readonly payload: Uint8Array
  readonly receivedAtNs: bigint
  /** What tried to read it. */
  readonly format: string
}

export interface RejectedOf {
  /** Most frequent first. */
  readonly groups: readonly RejectionGroup[]
  /** The newest that could not be read as a whole; null where every one could in part. */
  readonly lastWhole: LastRejected | null
}

export type AskRejected = (device: FullId, sinceNs: bigint) => RejectedOf

/** The newest rejections are enough to tell what is wrong; an array may hold thousands. */
const MESSAGES = 200
const ITEMS = 2000
/** Sorts of rejection told; a device with more of them has not been looked at yet. */
const GROUPS = 20

/** Rejections of one device not yet recovered: by the index on device, never a scan. */
export function createAskRejected(db: DatabaseSync): AskRejected {
  const items = db.prepare(
    `SELECT r.position, r.reason, r.path, r.expected, r.got, m.received_ns
     FROM (SELECT position, received_ns FROM rejected_messages
           WHERE device = ? ORDER BY position DESC LIMIT ${MESSAGES}) m
     JOIN rejections r USING (position)
     WHERE r.recovered_position IS NULL AND m.received_ns >= ?
     ORDER BY m.position DESC, r.item LIMIT ${ITEMS}`,
  )
  items.setReadBigInts(true)
  const whole = db.prepare(
    `SELECT m.topic, m.payload, m.received_ns, r.format
     FROM (SELECT * FROM rejected_messages
           WHERE device = ? ORDER BY position DESC LIMIT ${MESSAGES}) m
     JOIN rejections r USING (position)
     WHERE m.whole = 1 AND r.recovered_position IS NULL AND m.received_ns >= ?
     ORDER BY m.position DESC, r.item LIMIT 1`,
  )
  whole.setReadBigInts(true)
  const payload = db.prepare('SELECT payload FROM rejected_messages WHERE position = ?')
  return (device, sinceNs) => ({
    groups: groupsOf(items.all(device, sinceNs)).map(({ position, ownPath, ...group }) => ({
      ...group,
      value: shownValue(bytesOf(payload.get(position)), ownPath),
    })),
    lastWhole: lastOf(whole.get(device, sinceNs)),
  })
}

type Row = Readonly<Record<string, unknown>>
type Gathered = Omit<RejectionGroup, 'value'> & {
  /** Where the newest of them stands, and its path there. */
  readonly position: number
  readonly ownPath: string
}

function groupsOf(rows: readonly Row[]): Gathered[] {
  const groups = new Map<string, Gathered>()
  for (const row of rows) {
    const reason = REJECTION_REASONS.find((one) => one === row['reason']) ?? 'malformed'
    const ownPath = String(row['path'])
    const path = ownPath.replaceAll(/\[\d+\]/g, '[]')
    const key = `${reason} ${path}`
    const known = groups.get(key)
    // Newest first: the first row of a group is its newest.
    groups.set(
      key,
      known
        ? { ...known, count: known.count + 1 }
        : {
            reason,
            path,
            ownPath,
            count: 1,
            expected: String(row['expected']),
            got: String(row['got']),
            lastAtNs: BigInt(String(row['received_ns'])),
            position: Number(row['position']),
          },
    )
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count).slice(0, GROUPS)
}

function lastOf(row: Row | undefined): LastRejected | null {
  if (!row) return null
  return {
    topic: String(row['topic']),
    payload: bytesOf(row),
    receivedAtNs: BigInt(String(row['received_ns'])),
    format: String(row['format']),
  }
}

function bytesOf(row: Row | undefined): Uint8Array {
  const payload = row?.['payload']
  return payload instanceof Uint8Array ? payload : new Uint8Array()
}
