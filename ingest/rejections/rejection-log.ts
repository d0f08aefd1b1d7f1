import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { transaction } from '#lib/runtime/sqlite.ts'
import type { Origin } from '#lib/telemetry/message.ts'
import { formatNamed } from '../formats/catalogue.ts'
import type { RefusedElement } from '../formats/format.ts'
import type {
  Recovery,
  RefusedReplay,
  RejectedMessage,
  RejectionStatus,
} from './rejected-message.ts'
import {
  FIRST_COVERING_ITEM,
  decodeRuns,
  elementsOfEntry,
  encodeRuns,
  entriesOf,
  indicesOfEntry,
  type RejectionEntry,
} from './rejection-entries.ts'
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
        this.#addEntries({ message: position, since: position, format, refused })
      }
      for (const recovery of recovered) this.#recover(recovery)
      for (const { position, refused } of refusedReplays) {
        this.#sql.addReplay.run(position, savedText(refused))
      }
    })
  }

  /** What was refused at a position before this process began (`pipeline/repeat-refusals.ts`). */
  refusedBefore(position: number): readonly RefusedElement[] | null {
    if (position > this.#refusedUpTo) return null
    const replayed = this.#sql.replayAt.get(position)
    if (replayed) return refusedIn(String(replayed['refused']))
    const rows = this.#sql.entriesAt.all(position, position)
    return rows.length === 0 ? null : rows.flatMap((row) => elementsOfEntry(entryOf(row)))
  }

  /** The rejections of the message at `origin`, as they were just before a position. */
  statusBefore(origin: number, position: number): RejectionStatus {
    const rows = this.#sql.statusOf.all(position, origin, position)
    const [first] = rows
    const open = rows.filter((row) => row['recovered'] === 0)
    return {
      open: open.flatMap((row) => indicesOfEntry(placeOf(row))),
      rejected: rows.every((row) => row['whole'] === 1 && row['recovered'] === 0),
      ...(first ? { device: String(first['device']) } : {}),
    }
  }

  /** The elements that an entry covers; null when it is one of its own, or not known. */
  coveredBy({ position, elementIndex }: Origin): readonly number[] | null {
    if (elementIndex < FIRST_COVERING_ITEM) return null
    const row = this.#sql.entryAt.get(position, elementIndex)
    return row ? placeOf(row).covers : null
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

  /**
   * Marks what a replay has recovered. Of an entry that covers several, some may stay rejected: an
   * entry from then on covers those.
   */
  #recover({ origin, elements, atNs, position, left }: Recovery): void {
    const recovered = new Set(elements)
    const isLeft = (index: number) => !recovered.has(-1) && !recovered.has(index)
    let nextItem = this.#nextCoveringItem(origin, position)
    for (const row of this.#sql.openEntries.all(origin, position)) {
      const place = placeOf(row)
      const indices = indicesOfEntry(place)
      const rest = indices.filter(isLeft)
      if (rest.length === indices.length) continue
      const count = indices.length - rest.length
      this.#sql.recover.run(atNs, position, count, origin, place.item)
      if (rest.length === 0) continue
      this.#sql.copyEntry.run(nextItem, position, rest.length, encodeRuns(rest), origin, place.item)
      nextItem += 1
    }
    this.#addEntries({ message: origin, since: position, ...left })
  }

  /** The same at every reading of the journal: entries since then do not count. */
  #nextCoveringItem(origin: number, position: number): number {
    return FIRST_COVERING_ITEM + Number(this.#sql.countCovering.get(origin, position)?.['n'] ?? 0)
  }

  #addEntries({ message, since, format, refused }: NewEntries): void {
    if (refused.length === 0) return
    const version = formatNamed(format)?.version ?? 1
    const firstItem = this.#nextCoveringItem(message, since)
    for (const { item, fault, covers } of entriesOf(refused, firstItem)) {
      const { reason, path, expected, got, subDevice = '' } = fault
      const about = [reason, path, expected, got, format, version, subDevice, since]
      const several = covers ? [covers.length, encodeRuns(covers)] : [1, '']
      this.#sql.addEntry.run(message, item, ...about, ...several)
    }
  }
}

interface NewEntries extends Pick<RejectedMessage, 'format' | 'refused'> {
  /** Position of the message, and of the record that brought this to light. */
  readonly message: number
  readonly since: number
}

type Statements = ReturnType<typeof prepare>

function prepare(db: DatabaseSync) {
  const statement = (sql: string): StatementSync => db.prepare(sql)
  return {
    addMessage: statement(
      `INSERT OR IGNORE INTO rejected_messages
         (position, device, topic, received_ns, qos, payload, whole)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    addEntry: statement(
      `INSERT OR IGNORE INTO rejections
         (position, item, reason, path, expected, got, format, format_version, sub_device,
          since_position, elements, covers)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    copyEntry: statement(
      `INSERT OR IGNORE INTO rejections
         (position, item, reason, path, expected, got, format, format_version, sub_device,
          since_position, elements, covers)
       SELECT position, ?, reason, path, expected, got, format, format_version, sub_device,
         ?, ?, ? FROM rejections WHERE position = ? AND item = ?`,
    ),
    addReplay: statement('INSERT OR IGNORE INTO refused_replays (position, refused) VALUES (?, ?)'),
    replayAt: statement('SELECT refused FROM refused_replays WHERE position = ?'),
    entriesAt: statement(
      `SELECT item, covers, reason, path, expected, got, sub_device FROM rejections
       WHERE position = ? AND since_position <= ? ORDER BY item`,
    ),
    entryAt: statement('SELECT item, covers FROM rejections WHERE position = ? AND item = ?'),
    openEntries: statement(
      `SELECT item, covers FROM rejections
       WHERE position = ? AND since_position < ? AND recovered_position IS NULL ORDER BY item`,
    ),
    countCovering: statement(
      `SELECT count(*) AS n FROM rejections
       WHERE position = ? AND since_position < ? AND item >= ${FIRST_COVERING_ITEM}`,
    ),
    recover: statement(
      `UPDATE rejections SET recovered_ns = ?, recovered_position = ?, elements = ?
       WHERE position = ? AND item = ?`,
    ),
    statusOf: statement(
      `SELECT r.item, r.covers, m.device, m.whole,
         ifnull(r.recovered_position < ?, 0) AS recovered
       FROM rejections r JOIN rejected_messages m USING (position)
       WHERE r.position = ? AND r.since_position < ?`,
    ),
    expireElements: statement(
      `DELETE FROM rejections WHERE position IN
         (SELECT position FROM rejected_messages WHERE received_ns < ?)`,
    ),
    expireMessages: statement('DELETE FROM rejected_messages WHERE received_ns < ?'),
  }
}

function lastRefused(db: DatabaseSync): number {
  const last = db.prepare(
    `SELECT max(ifnull((SELECT max(position) FROM rejected_messages), 0),
                ifnull((SELECT max(position) FROM refused_replays), 0)) AS last`,
  )
  return Number(last.get()?.['last'] ?? 0)
}

/** Of a refused replay, as the file has it: there an element is called `item`, and `covers` is text. */
type Saved = Omit<RefusedElement, 'elementIndex'> & {
  readonly item: number
  readonly covers?: string
}

function savedText(refused: readonly RefusedElement[]): string {
  return JSON.stringify(
    entriesOf(refused).map(({ item, fault, covers }): Saved => {
      const { elementIndex: _, ...rest } = fault
      return { item, ...rest, ...(covers ? { covers: encodeRuns(covers) } : {}) }
    }),
  )
}

function refusedIn(text: string): readonly RefusedElement[] {
  // Written by `record` from the same type.
  const saved = JSON.parse(text) as readonly Saved[]
  return saved.flatMap(({ item, covers, ...rest }) =>
    elementsOfEntry({
      item,
      fault: { elementIndex: item, ...rest },
      covers: covers === undefined ? null : decodeRuns(covers),
    }),
  )
}

type Row = Readonly<Record<string, unknown>>

function placeOf(row: Row): Omit<RejectionEntry, 'fault'> {
  const covers = String(row['covers'])
  return { item: Number(row['item']), covers: covers === '' ? null : decodeRuns(covers) }
}

function entryOf(row: Row): RejectionEntry {
  const place = placeOf(row)
  const subDevice = String(row['sub_device'])
  const fault = {
    elementIndex: place.item,
    reason: reasonOf(row['reason']),
    path: String(row['path']),
    expected: String(row['expected']),
    got: String(row['got']),
    ...(subDevice === '' ? {} : { subDevice }),
  }
  return { ...place, fault }
}
