import type { Log } from '#lib/runtime/log.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { openDatabase, transaction } from '#lib/runtime/sqlite.ts'
import type { Qos } from '#lib/telemetry/message.ts'

export interface StoredSubscription {
  readonly client: string
  readonly filter: string
  readonly qos: Qos
}

export interface RetainedMessage {
  /** Scoped to its tenant. */
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
}

/**
 * `broker.db`: retained messages and subscriptions of persistent sessions. Changes are gathered and
 * written in one transaction every now and then, so that a message never waits for this disk; whoever
 * has to promise something awaits `written`.
 */
export interface SessionFile {
  subscriptions(): readonly StoredSubscription[]
  retained(): readonly RetainedMessage[]
  /** Null in place of a payload or QoS: it goes. */
  putRetained(topic: string, message: RetainedMessage | null): void
  putSubscription(client: string, filter: string, qos: Qos | null): void
  /** Resolves when all changes so far are on disk, or have failed and will be tried again. */
  written(): Promise<void>
  close(): void
}

const MIGRATIONS = [
  `CREATE TABLE retained (topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL)
     WITHOUT ROWID;
   CREATE TABLE subscriptions (client TEXT NOT NULL, filter TEXT NOT NULL, qos INTEGER NOT NULL,
     PRIMARY KEY (client, filter)) WITHOUT ROWID;`,
]

/** How long changes are gathered: one sync for all clients that come back after a restart. */
const GATHER_MS = 25
const RETRY_MS = 2000

export function openSessionFile(path: string, log: Log): SessionFile {
  const db = openDatabase(path, { migrations: MIGRATIONS })
  const statements = {
    retain: db.prepare('INSERT OR REPLACE INTO retained (topic, payload, qos) VALUES (?, ?, ?)'),
    unretain: db.prepare('DELETE FROM retained WHERE topic = ?'),
    subscribe: db.prepare(
      'INSERT OR REPLACE INTO subscriptions (client, filter, qos) VALUES (?, ?, ?)',
    ),
    unsubscribe: db.prepare('DELETE FROM subscriptions WHERE client = ? AND filter = ?'),
  }
  const retained = new Map<string, RetainedMessage | null>()
  const subscriptions = new Map<string, { client: string; filter: string; qos: Qos | null }>()
  let waiting: (() => void)[] = []
  let timer: NodeJS.Timeout | null = null
  let failing = false

  return {
    subscriptions: () =>
      db
        .prepare('SELECT client, filter, qos FROM subscriptions')
        .all()
        .map(({ client, filter, qos }) => ({
          client: String(client),
          filter: String(filter),
          qos: qosOf(qos),
        })),
    retained: () =>
      db
        .prepare('SELECT topic, payload, qos FROM retained')
        .all()
        .map(({ topic, payload, qos }) => ({
          topic: String(topic),
          payload: payload instanceof Uint8Array ? payload : new Uint8Array(),
          qos: qosOf(qos),
        })),
    putRetained(topic, message) {
      retained.set(topic, message)
      schedule(GATHER_MS)
    },
    putSubscription(client, filter, qos) {
      subscriptions.set(`${client}\n${filter}`, { client, filter, qos })
      schedule(GATHER_MS)
    },
    written() {
      if (timer === null) return Promise.resolve()
      return new Promise((resolve) => waiting.push(resolve))
    },
    close() {
      if (timer) clearTimeout(timer)
      write()
      if (timer) clearTimeout(timer)
      db.close()
    },
  }

  function schedule(ms: number): void {
    timer ??= setTimeout(write, ms)
  }

  function write(): void {
    timer = null
    try {
      transaction(db, writeChanges)
      retained.clear()
      subscriptions.clear()
      if (failing) log.info('broker.db can be written again')
      failing = false
    } catch (error) {
      if (!failing) log.error({ err: error }, `broker.db: ${messageOf(error)}; trying again`)
      failing = true
      schedule(RETRY_MS)
    }
    const resolves = waiting
    waiting = []
    for (const resolve of resolves) resolve()
  }

  function writeChanges(): void {
    for (const [topic, message] of retained) {
      if (message) statements.retain.run(topic, message.payload, message.qos)
      else statements.unretain.run(topic)
    }
    for (const { client, filter, qos } of subscriptions.values()) {
      if (qos === null) statements.unsubscribe.run(client, filter)
      else statements.subscribe.run(client, filter, qos)
    }
  }
}

function qosOf(value: unknown): Qos {
  return value === 1 || value === 2 ? value : 0
}
