import type { Cursor } from './cursor-file.ts'
import type { RfmsSettings } from './options.ts'
import type { Page, Status } from './page.ts'

/** What to request next, and what to save once everything of the page is durable. */
export interface Step {
  /** Query of the next page of this round; null: the round is over. */
  readonly nextQuery: string | null
  /** Null: the saved cursor stays as it is. */
  readonly cursor: Cursor | null
}

/** Times of a server that lie further in the future are wrong. */
const MAX_AHEAD_MS = 86_400_000
/** Statuses of a round that are remembered; a longer one may bring some again, as duplicates. */
const MAX_SEEN = 200_000

/**
 * One round of requests: all that a server has received since the cursor. A server may show a status a
 * little later than its receive time, so each round begins a little before the end of the last one, and
 * what was taken already is left out by its hash.
 */
export class Round {
  readonly firstQuery: string
  readonly #startMs: number
  readonly #seen: Map<string, number>
  readonly #overlapMs: number
  readonly #nowMs: () => number
  #requestedMs: number
  #newestMs: number
  #hasLinks = false

  /** `seen` lives as long as the poller, so that a round that broke off brings nothing twice. */
  constructor(
    { startMs }: Pick<Cursor, 'startMs'>,
    seen: Map<string, number>,
    { overlapMs }: Pick<RfmsSettings, 'overlapMs'>,
    nowMs: () => number,
  ) {
    this.firstQuery = queryFrom(startMs)
    this.#startMs = startMs
    this.#seen = seen
    this.#overlapMs = overlapMs
    this.#nowMs = nowMs
    this.#requestedMs = startMs
    this.#newestMs = startMs
  }

  /** Statuses of a page that were not taken before. */
  fresh({ statuses }: Page): readonly Status[] {
    const inPage = new Set<string>()
    return statuses.filter(({ hash }) => {
      if (this.#seen.has(hash) || inPage.has(hash)) return false
      inPage.add(hash)
      return true
    })
  }

  /** Everything fresh of the page is durable. */
  taken(page: Page): Step {
    const added = this.#remember(page)
    if (!page.isMore) return { nextQuery: null, cursor: this.#endCursor(page) }
    if (page.nextQuery !== null) {
      // Pages reached by links may be in any order: until the last of them, nothing is passed.
      this.#hasLinks = true
      return { nextQuery: page.nextQuery, cursor: null }
    }
    // The standard continues one second later, and would skip what the page cut off in that second.
    // Only a page that brought nothing new shows that there is nothing else in it.
    const isStuck = this.#newestMs <= this.#requestedMs && added === 0
    this.#requestedMs = isStuck ? this.#requestedMs + 1000 : this.#newestMs
    const nextQuery = queryFrom(this.#requestedMs)
    return { nextQuery, cursor: this.#hasLinks ? null : this.#cursorAt(this.#requestedMs) }
  }

  #remember({ statuses }: Page): number {
    const latestMs = this.#nowMs() + MAX_AHEAD_MS
    let added = 0
    for (const { hash, receivedMs } of statuses) {
      if (receivedMs !== null && receivedMs < latestMs) {
        this.#newestMs = Math.max(this.#newestMs, receivedMs)
      }
      if (!this.#seen.has(hash)) added += 1
      if (this.#seen.size < MAX_SEEN) this.#seen.set(hash, receivedMs ?? this.#nowMs())
    }
    return added
  }

  /** The standard continues from the server's own time. */
  #endCursor({ serverMs }: Page): Cursor {
    const isTime = serverMs !== null && serverMs < this.#nowMs() + MAX_AHEAD_MS
    const endMs = isTime ? serverMs : this.#newestMs
    return this.#cursorAt(Math.max(this.#startMs, endMs - this.#overlapMs))
  }

  /** What was received before the new start cannot come again. */
  #cursorAt(startMs: number): Cursor {
    for (const [hash, receivedMs] of this.#seen) if (receivedMs < startMs) this.#seen.delete(hash)
    return { startMs, seen: [...this.#seen] }
  }
}

function queryFrom(startMs: number): string {
  const starttime = new Date(startMs).toISOString()
  return new URLSearchParams({ datetype: 'received', starttime }).toString()
}
