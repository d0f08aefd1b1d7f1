import type { DatabaseSync } from 'node:sqlite'
import { messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import { openDatabase, transaction } from '#lib/runtime/sqlite.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Qos } from '#lib/telemetry/message.ts'

export interface StoredSubscription {
  readonly client: string
  readonly filter: string
  readonly qos: Qos
}

export interface RetainedMessage {
  /** Below its tenant. */
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  /** Who published it, or whom it is for; '' where that is not known. */
  readonly device: FullId
}

const MIGRATIONS = [
  `CREATE TABLE retained (topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL)
     WITHOUT ROWID;
   CREATE TABLE subscriptions (client TEXT NOT NULL, filter TEXT NOT NULL, qos INTEGER NOT NULL,
     PRIMARY KEY (client, filter)) WITHOUT ROWID;`,
  `ALTER TABLE retained ADD COLUMN device TEXT NOT NULL DEFAULT '';`,
]

/** Changes of retained messages that wait for a disk that cannot be written; then none are added. */
const MAX_UNWRITTEN = 100_000
/** How long changes are gathered: one sync for all clients that connect again after a restart. */
const GATHER_MS = 25
const RETRY_MS = 2000
/** Retained messages in one transaction, and their bytes: the event loop waits for it. */
const MAX_WRITTEN = { messages: 500, bytes: 1024 * 1024 } as const

/**
 * `broker.db`: retained messages and subscriptions of persistent sessions. Changes are gathered and
 * written in one transaction, so that a message never waits for this disk; whoever has to promise
 * something awaits `written`.
 */
export class SessionFile {
  readonly #db: DatabaseSync
  readonly #statements: ReturnType<typeof prepare>
  readonly #log: Log
  readonly #retained = new Map<string, RetainedMessage | null>()
  readonly #subscriptions = new Map<string, Omit<StoredSubscription, 'qos'> & { qos: Qos | null }>()
  #waiting: (() => void)[] = []
  #timer: NodeJS.Timeout | null = null
  #isFailing = false

  /** Throws DATA_DIR_UNUSABLE or DATA_DIR_FOREIGN. */
  constructor(path: string, log: Log) {
    this.#db = openDatabase(path, { migrations: MIGRATIONS })
    this.#statements = prepare(this.#db)
    this.#log = log
  }

  subscriptions(): readonly StoredSubscription[] {
    const rows = this.#db.prepare('SELECT client, filter, qos FROM subscriptions').all()
    return rows.map(({ client, filter, qos }) => ({
      client: String(client),
      filter: String(filter),
      qos: qosOf(qos),
    }))
  }

  retained(): readonly RetainedMessage[] {
    const rows = this.#db.prepare('SELECT topic, payload, qos, device FROM retained').all()
    return rows.map(({ topic, payload, qos, device }) => ({
      topic: String(topic),
      payload: payload instanceof Uint8Array ? payload : new Uint8Array(),
      qos: qosOf(qos),
      device: String(device),
    }))
  }

  /** False: the disk has taken nothing for too long to take further messages. */
  get hasRoom(): boolean {
    return this.#retained.size < MAX_UNWRITTEN
  }

  /** Null deletes the message of a topic. */
  putRetained(topic: string, message: RetainedMessage | null): void {
    this.#retained.set(topic, message)
    this.#schedule(GATHER_MS)
  }

  /** Null deletes the subscription. */
  putSubscription(client: string, filter: string, qos: Qos | null): void {
    this.#subscriptions.set(`${client}\n${filter}`, { client, filter, qos })
    this.#schedule(GATHER_MS)
  }

  /** Resolves when all changes so far are on disk, or have failed and will be tried again. */
  written(): Promise<void> {
    if (this.#timer === null) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    do {
      if (this.#timer) clearTimeout(this.#timer)
      this.#write()
    } while (this.#retained.size > 0 && !this.#isFailing)
    if (this.#timer) clearTimeout(this.#timer)
    this.#db.close()
  }

  #schedule(ms: number): void {
    this.#timer ??= setTimeout(() => this.#write(), ms)
  }

  #write(): void {
    this.#timer = null
    try {
      const retained = this.#nextRetained()
      transaction(this.#db, () => this.#writeChanges(retained))
      for (const [topic] of retained) this.#retained.delete(topic)
      this.#subscriptions.clear()
      if (this.#retained.size > 0) this.#schedule(0)
      if (this.#isFailing) this.#log.info('broker.db can be written again')
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) {
        const text = `broker.db cannot be written: ${messageOf(error)}; it is tried again`
        this.#log.error({ err: error }, text)
      }
      this.#isFailing = true
      this.#schedule(RETRY_MS)
    }
    const resolves = this.#waiting
    this.#waiting = []
    for (const resolve of resolves) resolve()
  }

  /** The oldest changes, as many as one transaction takes. */
  #nextRetained(): readonly (readonly [string, RetainedMessage | null])[] {
    const next: [string, RetainedMessage | null][] = []
    let bytes = 0
    for (const [topic, message] of this.#retained) {
      if (next.length >= MAX_WRITTEN.messages || bytes >= MAX_WRITTEN.bytes) break
      next.push([topic, message])
      bytes += message?.payload.length ?? 0
    }
    return next
  }

  #writeChanges(retained: readonly (readonly [string, RetainedMessage | null])[]): void {
    const { retain, unretain, subscribe, unsubscribe } = this.#statements
    for (const [topic, message] of retained) {
      if (message) retain.run(topic, message.payload, message.qos, message.device)
      else unretain.run(topic)
    }
    for (const { client, filter, qos } of this.#subscriptions.values()) {
      if (qos === null) unsubscribe.run(client, filter)
      else subscribe.run(client, filter, qos)
    }
  }
}

function prepare(db: DatabaseSync) {
  return {
    retain: db.prepare(
      'INSERT OR REPLACE INTO retained (topic, payload, qos, device) VALUES (?, ?, ?, ?)',
    ),
    unretain: db.prepare('DELETE FROM retained WHERE topic = ?'),
    subscribe: db.prepare(
      'INSERT OR REPLACE INTO subscriptions (client, filter, qos) VALUES (?, ?, ?)',
    ),
    unsubscribe: db.prepare('DELETE FROM subscriptions WHERE client = ? AND filter = ?'),
  }
}

function qosOf(value: unknown): Qos {
  return value === 1 || value === 2 ? value : 0
}
