import type { Session } from './session.ts'

const INTERRUPT_EVERY_MS = 20

/** Holds the one session of a store, opens it when there is none, and drops it when it is lost. */
export class SessionHolder {
  readonly #reopen: () => Promise<Session>
  readonly #users = new Map<Session, Set<Promise<unknown>>>()
  #current: Promise<Session> | null

  constructor(first: Session, reopen: () => Promise<Session>) {
    this.#reopen = reopen
    this.#current = Promise.resolve(first)
  }

  /**
   * Runs a piece of work on the session. Where `isLost` holds for what it throws, the instance is
   * closed and the next call opens another.
   */
  async use<T>(
    work: (session: Session) => Promise<T>,
    isLost: (error: unknown) => boolean,
  ): Promise<T> {
    const opening = this.#current ?? this.#reopen()
    this.#current = opening
    const session = await this.#opened(opening)
    const working = work(session)
    const mine = this.#users.get(session) ?? new Set()
    this.#users.set(session, mine)
    mine.add(working)
    try {
      return await working
    } catch (error) {
      mine.delete(working)
      if (this.#current === opening && isLost(error)) {
        this.#current = this.#retire(session).then(this.#reopen)
      }
      // The next caller learns of a failure to reopen; nobody else needs to.
      this.#current?.catch(() => undefined)
      throw error
    } finally {
      mine.delete(working)
    }
  }

  /** Interrupts what runs, waits for it and closes the instance. */
  async close(finish: (session: Session) => Promise<void>): Promise<void> {
    const session = await this.#current?.catch(() => null)
    if (!session) return
    await this.#drain(session)
    await finish(session)
    session.engine.close()
  }

  async #opened(opening: Promise<Session>): Promise<Session> {
    try {
      return await opening
    } catch (error) {
      if (this.#current === opening) this.#current = null
      throw error
    }
  }

  async #retire(session: Session): Promise<void> {
    await this.#drain(session)
    session.engine.close()
  }

  async #drain(session: Session): Promise<void> {
    const running = this.#users.get(session)
    this.#users.delete(session)
    if (!running || running.size === 0) return
    const timer = setInterval(() => session.engine.interrupt(), INTERRUPT_EVERY_MS)
    session.engine.interrupt()
    await Promise.allSettled(running)
    clearInterval(timer)
  }
}
