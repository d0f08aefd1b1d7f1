import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '#lib/runtime/sqlite.ts'
import type { JournaledMessage, Origin } from '#lib/telemetry/message.ts'
import type {
  Page,
  RejectionRow,
  RejectionsQuery,
  ReplayRequest,
} from '#lib/telemetry/questions.ts'
import { REJECTION_REASONS, type RejectionReason } from '#lib/telemetry/rejection.ts'
import type { Scope } from '#lib/telemetry/questions.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { formatNamed } from '../formats/catalogue.ts'
import type { RefusedElement } from '../formats/format.ts'

/** What one message leaves behind: its refused elements, kept with the bytes it came as. */
export interface RejectedMessage {
  readonly message: JournaledMessage
  readonly format: string
  readonly refused: readonly RefusedElement[]
  /** Counted as rejected: none of its elements was stored. */
  readonly whole: boolean
}

/** How the rejections of one message stand just before a position of the journal. */
export interface Standing {
  /** Elements still rejected; -1 is the whole message. */
  readonly open: readonly number[]
  /** The message is counted as rejected (no element of it has been recovered). */
  readonly rejected: boolean
  /** Where it is counted; left out when nothing of it was rejected. */
  readonly device?: FullId
}

/** A rejection that a replay has mended. */
export interface Recovery {
  readonly origin: Origin
  /** What came to light only now that the message could be read. */
  readonly left?: Pick<RejectedMessage, 'format' | 'refused'>
  readonly atNs: bigint
  /** Position of the replay record, so that reading the journal again decides the same. */
  readonly position: number
}

export interface ReplayCandidate {
  readonly origin: Origin
  readonly device: string
  readonly topic: string
  readonly qos: number
  /** When it was first received: a replay keeps that time. */
  readonly receivedAtNs: bigint
  readonly payload: Uint8Array
}

/** What a replay could not mend, by the position of its own record. */
export interface RefusedAgain {
  readonly position: number
  readonly refused: readonly RefusedElement[]
}

/** A part of what a replay is asked for, small enough to be held in memory. */
export interface ReplayPage {
  readonly candidates: readonly ReplayCandidate[]
  /** Where the next part begins; null at the end. */
  readonly next: Origin | null
}

export const REPLAY_PAGE = { messages: 1000, bytes: 8 * 1024 * 1024 } as const

export interface RejectionBook {
  /** Idempotent: the same message twice leaves the same rows. */
  record(
    messages: readonly RejectedMessage[],
    recovered: readonly Recovery[],
    again?: readonly RefusedAgain[],
  ): void
  /** What was refused at a position before this process began (`decided.ts`). */
  decided(position: number): readonly RefusedElement[] | null
  standing(origin: number, position: number): Standing
  list(query: RejectionsQuery): Page<RejectionRow>
  /** What is still rejected of what is asked for, in order, behind a place. */
  candidates(request: ReplayRequest, after: Origin | null): ReplayPage
  /** Drops what is older; returns how many messages went. */
  expire(beforeNs: bigint): number
}

export function rejectionId(position: number, item: number): string {
  return `${position}.${item + 1}`
}

/** The position and item of a rejection id; null when it is not one. */
export function parseRejectionId(id: string): Origin | null {
  const match = /^(\d{1,15})\.(\d{1,9})$/.exec(id)
  return match ? { position: Number(match[1]), item: Number(match[2]) - 1 } : null
}

export function createRejectionBook(db: DatabaseSync): RejectionBook {
  const addMessage = db.prepare(
    `INSERT OR IGNORE INTO rejected_messages (position, device, topic, received_ns, qos, payload, whole)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const addItem = db.prepare(
    `INSERT OR IGNORE INTO rejections
       (position, item, reason, path, expected, got, format, format_version, sub_device)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const addAgain = db.prepare(
    'INSERT OR IGNORE INTO refused_replays (position, refused) VALUES (?, ?)',
  )
  const againAt = db.prepare('SELECT refused FROM refused_replays WHERE position = ?')
  const itemsAt = db.prepare(
    `SELECT item, reason, path, expected, got, sub_device FROM rejections
     WHERE position = ? ORDER BY item`,
  )
  const decidedUpTo = lastDecided(db)
  const recover = db.prepare(
    `UPDATE rejections SET recovered_ns = ?, recovered_position = ?
     WHERE position = ? AND (item = ? OR ? = -1) AND recovered_position IS NULL`,
  )
  const items = db.prepare(
    `SELECT r.item, m.device, m.whole, ifnull(r.recovered_position < ?, 0) AS recovered
     FROM rejections r JOIN rejected_messages m USING (position) WHERE r.position = ?`,
  )
  return {
    record(messages, recovered, again = []) {
      if (messages.length === 0 && recovered.length === 0 && again.length === 0) return
      transaction(db, () => {
        for (const { message, format, refused, whole } of messages) {
          const { position, device, topic, receivedAtNs, qos, payload } = message
          addMessage.run(position, device, topic, receivedAtNs, qos, payload, whole ? 1 : 0)
          addItems(position, { format, refused })
        }
        for (const { origin, atNs, position, left } of recovered) {
          recover.run(atNs, position, origin.position, origin.item, origin.item)
          // Behind it: a message that is mended as a whole mends what was known of it.
          if (left) addItems(origin.position, left)
        }
        for (const { position, refused } of again) addAgain.run(position, savedText(refused))
      })
    },
    decided(position) {
      if (position > decidedUpTo) return null
      const replayed = againAt.get(position)
      if (replayed) return elementsOf(String(replayed['refused']))
      const rows = itemsAt.all(position)
      return rows.length === 0 ? null : rows.map(refusedElement)
    },
    standing(origin, position) {
      const rows = items.all(position, origin)
      const [first] = rows
      return {
        open: rows.filter((row) => row['recovered'] === 0).map((row) => Number(row['item'])),
        rejected: rows.every((row) => row['whole'] === 1 && row['recovered'] === 0),
        ...(first ? { device: String(first['device']) } : {}),
      }
    },
    list: (query) => listRejections(db, query),
    candidates: (request, after) => replayCandidates(db, request, after),
    expire(beforeNs) {
      let expired = 0
      transaction(db, () => {
        db.prepare(
          `DELETE FROM rejections WHERE position IN
             (SELECT position FROM rejected_messages WHERE received_ns < ?)`,
        ).run(beforeNs)
        const gone = db.prepare('DELETE FROM rejected_messages WHERE received_ns < ?').run(beforeNs)
        expired = Number(gone.changes)
      })
      return expired
    },
  }

  function addItems(
    position: number,
    { format, refused }: Pick<RejectedMessage, 'format' | 'refused'>,
  ): void {
    const version = formatNamed(format)?.version ?? 1
    for (const { elementIndex, reason, path, expected, got, subDevice = '' } of refused) {
      addItem.run(position, elementIndex, reason, path, expected, got, format, version, subDevice)
    }
  }
}

/** Of a refused replay, as the file has it: there the index of the element is called `item`. */
type Saved = Omit<RefusedElement, 'elementIndex'> & { readonly item: number }

function savedText(refused: readonly RefusedElement[]): string {
  return JSON.stringify(
    refused.map(({ elementIndex, ...rest }): Saved => ({ item: elementIndex, ...rest })),
  )
}

function elementsOf(text: string): readonly RefusedElement[] {
  // Written by `record` from the same type.
  const saved = JSON.parse(text) as readonly Saved[]
  return saved.map(({ item, ...rest }) => ({ elementIndex: item, ...rest }))
}

function lastDecided(db: DatabaseSync): number {
  const last = db.prepare(
    `SELECT max(ifnull((SELECT max(position) FROM rejected_messages), 0),
                ifnull((SELECT max(position) FROM refused_replays), 0)) AS last`,
  )
  return Number(last.get()?.['last'] ?? 0)
}

function refusedElement(row: Record<string, unknown>): RefusedElement {
  const subDevice = String(row['sub_device'])
  return {
    elementIndex: Number(row['item']),
    reason: reasonOf(row['reason']),
    path: String(row['path']),
    expected: String(row['expected']),
    got: String(row['got']),
    ...(subDevice === '' ? {} : { subDevice }),
  }
}

function listRejections(db: DatabaseSync, query: RejectionsQuery): Page<RejectionRow> {
  const { fromNs, toNs, reasons, order, limit, cursor, scope } = query
  const descending = order === 'desc'
  const where = ['m.received_ns >= ?', 'm.received_ns < ?']
  const values: (string | number | bigint)[] = [fromNs, toNs]
  addScope(scope, where, values)
  addList('r.reason', reasons, where, values)
  const after = cursor === null ? null : parseRejectionId(cursor)
  if (after) {
    where.push(`(r.position, r.item) ${descending ? '<' : '>'} (?, ?)`)
    values.push(after.position, after.item)
  }
  const direction = descending ? 'DESC' : 'ASC'
  const statement = db.prepare(
    `SELECT * FROM rejections r JOIN rejected_messages m USING (position)
     WHERE ${where.join(' AND ')}
     ORDER BY r.position ${direction}, r.item ${direction} LIMIT ?`,
  )
  statement.setReadBigInts(true)
  const rows = statement.all(...values, limit + 1).map(rejectionRow)
  const data = rows.slice(0, limit)
  return { data, next: rows.length > limit ? (data.at(-1)?.id ?? null) : null }
}

function rejectionRow(row: Record<string, unknown>): RejectionRow {
  const item = Number(row['item'])
  const recovered = row['recovered_ns']
  return {
    id: rejectionId(Number(row['position']), item),
    timeNs: BigInt(String(row['received_ns'])),
    device: String(row['device']),
    topic: String(row['topic']),
    reason: reasonOf(row['reason']),
    path: String(row['path']),
    expected: String(row['expected']),
    got: String(row['got']),
    format: String(row['format']),
    formatVersion: Number(row['format_version']),
    subDevice: row['sub_device'] === '' ? null : String(row['sub_device']),
    item: item < 0 ? null : item,
    payload: bytesOf(row['payload']),
    recoveredAtNs: typeof recovered === 'bigint' ? recovered : null,
  }
}

function replayCandidates(
  db: DatabaseSync,
  { scope, ids, reasons }: ReplayRequest,
  after: Origin | null,
): ReplayPage {
  const where = ['r.recovered_position IS NULL']
  const values: (string | number | bigint)[] = []
  addScope(scope, where, values)
  addList('r.reason', reasons, where, values)
  if (ids) {
    const wanted = ids.map(parseRejectionId).filter((id) => id !== null)
    where.push('(r.position, r.item) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))')
    values.push(JSON.stringify(wanted.map(({ position, item }) => [position, item])))
  }
  if (after) {
    where.push('(r.position, r.item) > (?, ?)')
    values.push(after.position, after.item)
  }
  const statement = db.prepare(
    `SELECT r.position, r.item, m.device, m.topic, m.qos, m.received_ns, m.payload
     FROM rejections r JOIN rejected_messages m USING (position)
     WHERE ${where.join(' AND ')} ORDER BY r.position, r.item LIMIT ?`,
  )
  statement.setReadBigInts(true)
  const candidates: ReplayCandidate[] = []
  let bytes = 0
  for (const row of statement.iterate(...values, REPLAY_PAGE.messages)) {
    const candidate = candidateOf(row)
    candidates.push(candidate)
    bytes += candidate.payload.byteLength
    if (bytes >= REPLAY_PAGE.bytes) break
  }
  return { candidates, next: candidates.at(-1)?.origin ?? null }
}

function candidateOf(row: Record<string, unknown>): ReplayCandidate {
  return {
    origin: { position: Number(row['position']), item: Number(row['item']) },
    device: String(row['device']),
    topic: String(row['topic']),
    qos: Number(row['qos']),
    receivedAtNs: BigInt(String(row['received_ns'])),
    payload: bytesOf(row['payload']),
  }
}

export function addScope(
  scope: Scope,
  where: string[],
  values: (string | number | bigint)[],
): void {
  addList('m.device', scope.devices, where, values)
  addList(`substr(m.device, 1, instr(m.device, '.') - 1)`, scope.tenants, where, values)
}

export function addList(
  column: string,
  wanted: readonly string[] | null,
  where: string[],
  values: (string | number | bigint)[],
): void {
  if (!wanted) return
  where.push(`${column} IN (${wanted.map(() => '?').join(', ')})`)
  values.push(...wanted)
}

function reasonOf(value: unknown): RejectionReason {
  return REJECTION_REASONS.find((reason) => reason === value) ?? 'malformed'
}

function bytesOf(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array()
}
