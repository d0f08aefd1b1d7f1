import type { DatabaseSync } from 'node:sqlite'
import type { FullId } from '#lib/telemetry/ids.ts'
import { REJECTION_REASONS } from '#lib/telemetry/rejection.ts'
import type { RejectionGroup } from '../finding.ts'
import { shownValue } from './shown-value.ts'

/** A message that its format could not read. */
export interface LastRejected {
  readonly topic: string
  readonly payload: Uint8Array
  readonly receivedAtNs: bigint
  /** The format that refused it. */
  readonly format: string
}

export interface RecentRejections {
  /** Most frequent first. */
  readonly groups: readonly RejectionGroup[]
  /** The newest message that could not be read at all; null where there is none. */
  readonly lastWhole: LastRejected | null
}

type RejectionReader = (device: FullId, sinceNs: bigint) => RecentRejections

/** The newest rejections are enough to see what is wrong. */
const MAX_MESSAGES = 200
const MAX_ELEMENTS = 2000
const MAX_GROUPS = 20

/** Reasons of a format. The others reject what was read: too old, of an unknown device, too many. */
const UNREADABLE = "'malformed', 'schema', 'kind', 'unit_unknown'"

/** Reads the open rejections of one device: by the index on device, never a scan. */
export function createRejectionReader(db: DatabaseSync): RejectionReader {
  const elements = db.prepare(
    `SELECT r.position, r.reason, r.path, r.expected, r.got, r.elements, m.received_ns
     FROM (SELECT position, received_ns FROM rejected_messages
           WHERE device = ? ORDER BY position DESC LIMIT ${MAX_MESSAGES}) m
     JOIN rejections r USING (position)
     WHERE r.recovered_position IS NULL AND m.received_ns >= ?
     ORDER BY m.position DESC, r.item LIMIT ${MAX_ELEMENTS}`,
  )
  elements.setReadBigInts(true)
  const whole = db.prepare(
    `SELECT m.topic, m.payload, m.received_ns, r.format
     FROM (SELECT * FROM rejected_messages
           WHERE device = ? ORDER BY position DESC LIMIT ${MAX_MESSAGES}) m
     JOIN rejections r USING (position)
     WHERE m.whole = 1 AND r.recovered_position IS NULL AND m.received_ns >= ?
       AND r.reason IN (${UNREADABLE})
     ORDER BY m.position DESC, r.item LIMIT 1`,
  )
  whole.setReadBigInts(true)
  const payload = db.prepare('SELECT payload FROM rejected_messages WHERE position = ?')
  return (device, sinceNs) => ({
    groups: groupsOf(elements.all(device, sinceNs)).map(({ position, ownPath, ...group }) => ({
      ...group,
      value: shownValue(bytesOf(payload.get(position)), ownPath),
    })),
    lastWhole: lastOf(whole.get(device, sinceNs)),
  })
}

type Row = Readonly<Record<string, unknown>>
type UnshownGroup = Omit<RejectionGroup, 'value'> & {
  /** The position of the newest of them, and its path there. */
  readonly position: number
  readonly ownPath: string
}

function groupsOf(rows: readonly Row[]): UnshownGroup[] {
  const groups = new Map<string, UnshownGroup>()
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
        ? { ...known, count: known.count + Number(row['elements']) }
        : {
            reason,
            path,
            ownPath,
            count: Number(row['elements']),
            expected: String(row['expected']),
            got: String(row['got']),
            lastAtNs: BigInt(String(row['received_ns'])),
            position: Number(row['position']),
          },
    )
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count).slice(0, MAX_GROUPS)
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
