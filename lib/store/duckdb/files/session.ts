import type { DuckDBConnection } from '@duckdb/node-api'
import type { Appenders } from '../write/append.ts'
import type { Engine } from './engine.ts'
import type { Figures } from '../figures/figures.ts'
import type { LossTail } from '../figures/loss-tail.ts'
import type { Part } from './part.ts'

/** Everything that lives as long as one DuckDB instance. After a fatal error all of it is made anew. */
export interface Session {
  readonly engine: Engine
  /** The connection of `write`, `known` and `maintain`, which follow each other. */
  readonly writer: DuckDBConnection
  readonly appenders: Appenders
  readonly parts: Map<string, Part>
  readonly figures: Figures
  readonly lossTail: LossTail
  readonly readers: Readers
}

/** Connections of questions, made when needed and used again. */
export interface Readers {
  take(): Promise<DuckDBConnection>
  give(connection: DuckDBConnection): void
}

export function createReaders(engine: Engine): Readers {
  const idle: DuckDBConnection[] = []
  return {
    take: async () => idle.pop() ?? engine.connect(),
    give: (connection) => void idle.push(connection),
  }
}

/** Holds the one session of a store, opens it when there is none, and drops it when it is lost. */
export interface SessionHolder {
  /**
   * Runs a piece of work on the session. Where `isLost` says so of what it throws, the instance is
   * closed and the next call opens another.
   */
  use<T>(work: (session: Session) => Promise<T>, isLost: (error: unknown) => boolean): Promise<T>
  /** Interrupts what runs, waits for it and closes the instance. */
  close(finish: (session: Session) => Promise<void>): Promise<void>
}

const INTERRUPT_EVERY_MS = 20

export function createSessionHolder(first: Session, reopen: () => Promise<Session>): SessionHolder {
  let current: Promise<Session> | null = Promise.resolve(first)
  const users = new Map<Session, Set<Promise<unknown>>>()

  return {
    async use(work, isLost) {
      const opening = current ?? reopen()
      current = opening
      let session: Session
      try {
        session = await opening
      } catch (error) {
        if (current === opening) current = null
        throw error
      }
      const working = work(session)
      const mine = users.get(session) ?? new Set()
      users.set(session, mine)
      mine.add(working)
      try {
        return await working
      } catch (error) {
        mine.delete(working)
        if (current === opening && isLost(error)) current = retire(session).then(reopen)
        // Whoever comes next learns of a failure to reopen; nobody else needs to.
        current?.catch(() => undefined)
        throw error
      } finally {
        mine.delete(working)
      }
    },
    async close(finish) {
      const session = await current?.catch(() => null)
      if (!session) return
      await settleUsers(session)
      await finish(session)
      session.engine.close()
    },
  }

  async function retire(session: Session): Promise<void> {
    await settleUsers(session)
    session.engine.close()
  }

  async function settleUsers(session: Session): Promise<void> {
    const running = users.get(session)
    users.delete(session)
    if (!running || running.size === 0) return
    const timer = setInterval(() => session.engine.interrupt(), INTERRUPT_EVERY_MS)
    session.engine.interrupt()
    await Promise.allSettled(running)
    clearInterval(timer)
  }
}
