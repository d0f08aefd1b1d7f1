import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { transaction } from '#lib/runtime/sqlite.ts'
import { formatNamed } from '../formats/catalogue.ts'
import type { RefusedElement } from '../formats/format.ts'
import type {
  Recovery,
  RefusedReplay,
  RejectedMessage,
  RejectionStatus,
} from './rejected-message.ts'
import { reasonOf } from './rejection-sql.ts'

/** The rejections in `ingest.db`: written by the pipeline, and what it must know of earlier ones. */
export class RejectionLog {
  readonly #db: DatabaseSync
  readonly #sql: Statements
  /** Highest position that an earlier process refused anything of. */
  readonly #refusedUpTo: number

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#sql = prepare(db)
    this.#refusedUpTo = lastRefused(db)
  }

  /** Idempotent: the same message twice leaves the same rows. */
  record(
    messages: readonly RejectedMessage[],
    recovered: readonly Recovery[],
    refusedReplays: readonly RefusedReplay[] = [],
  ): void {
    if (messages.length === 0 && recovered.length === 0 && refusedReplays.length === 0) return
    transaction(this.#db, () => {
      for (const { message, format, refused, whole } of messages) {
        const { position, device, topic, receivedAtNs, qos, payload } = message
        const row = [position, device, topic, receivedAtNs, qos, payload, whole ? 1 : 0]
        this.#sql.addMessage.run(...row)
        this.#addElements(position, { format, refused })
      }
      for (const { origin, atNs, position, left } of recovered) {
        const { elementIndex } = origin
        this.#sql.recover.run(atNs, position, origin.position, elementIndex, elementIndex)
        // Afterwards: what is recovered as a whole covers all that was known of it before.
        if (left) this.#addElements(origin.position, left)
      }
      for (const { position, refused } of refusedReplays) {
        this.#sql.addReplay.run(position, savedText(refused))
      }
    })
  }

  /** What was refused at a position before this process began (`pipeline/repeat-refusals.ts`). */
  refusedBefore(position: number): readonly RefusedElement[] | null {
    if (position > this.#refusedUpTo) return null
    const replayed = this.#sql.replayAt.get(position)
    if (replayed) return elementsOf(String(replayed['refused']))
    const rows = this.#sql.elementsAt.all(position)
    return rows.length === 0 ? null : rows.map(refusedElement)
  }

  /** The rejections of the message at `origin`, as they were just before a position. */
  statusBefore(origin: number, position: number): RejectionStatus {
    const rows = this.#sql.statusOf.all(position, origin)
    const [first] = rows
    return {
      open: rows.filter((row) => row['recovered'] === 0).map((row) => Number(row['item'])),
      rejected: rows.every((row) => row['whole'] === 1 && row['recovered'] === 0),
      ...(first ? { device: String(first['device']) } : {}),
    }
  }

  /** Drops what is older; returns how many messages went. */
  expire(beforeNs: bigint): number {
    let expired = 0
    transaction(this.#db, () => {
      this.#sql.expireElements.run(beforeNs)
      expired = Number(this.#sql.expireMessages.run(beforeNs).changes)
    })
    return expired
  }

  #addElements(
    position: number,
    { format, refused }: Pick<RejectedMessage, 'format' | 'refused'>,
  ): void {
    const { addElement } = this.#sql
    const version = formatNamed(format)?.version ?? 1
    for (const { elementIndex, reason, path, expected, got, subDevice = '' } of refused) {
      const fault = [reason, path, expected, got]
      addElement.run(position, elementIndex, ...fault, format, version, subDevice)
    }
  }
}

type Statements = Readonly<
  Record<
    | 'addMessage'
    | 'addElement'
    | 'addReplay'
    | 'replayAt'
    | 'elementsAt'
    | 'recover'
    | 'statusOf'
    | 'expireElements'
    | 'expireMessages',
    StatementSync
  >
>

function prepare(db: DatabaseSync): Statements {
  return {
    addMessage: db.prepare(
      `INSERT OR IGNORE INTO rejected_messages
         (position, device, topic, received_ns, qos, payload, whole)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    addElement: db.prepare(
      `INSERT OR IGNORE INTO rejections
         (position, item, reason, path, expected, got, format, format_version, sub_device)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addReplay: db.prepare(
      'INSERT OR IGNORE INTO refused_replays (position, refused) VALUES (?, ?)',
    ),
    replayAt: db.prepare('SELECT refused FROM refused_replays WHERE position = ?'),
    elementsAt: db.prepare(
      `SELECT item, reason, path, expected, got, sub_device FROM rejections
       WHERE position = ? ORDER BY item`,
    ),
    recover: db.prepare(
      `UPDATE rejections SET recovered_ns = ?, recovered_position = ?
       WHERE position = ? AND (item = ? OR ? = -1) AND recovered_position IS NULL`,
    ),
    statusOf: db.prepare(
      `SELECT r.item, m.device, m.whole, ifnull(r.recovered_position < ?, 0) AS recovered
       FROM rejections r JOIN rejected_messages m USING (position) WHERE r.position = ?`,
    ),
    expireElements: db.prepare(
      `DELETE FROM rejections WHERE position IN
         (SELECT position FROM rejected_messages WHERE received_ns < ?)`,
    ),
    expireMessages: db.prepare('DELETE FROM rejected_messages WHERE received_ns < ?'),
  }
}

function lastRefused(db: DatabaseSync): number {
  const last = db.prepare(
    `SELECT max(ifnull((SELECT max(position) FROM rejected_messages), 0),
                ifnull((SELECT max(position) FROM refused_replays), 0)) AS last`,
  )
  return Number(last.get()?.['last'] ?? 0)
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
