import type { Cursor } from './cursor-file.ts'
import type { Page, Status } from './page.ts'

/** What to ask next, and what is to be noted once everything of the page is durable. */
export interface Step {
  /** Query of the next part of this round; null: the round is over. */
  readonly nextQuery: string | null
  /** Null: what is noted stays as it is. */
  readonly cursor: Cursor | null
}

/**
 * One round of questions: all that a server has received since the cursor. A server may show a status
 * a little after the time it says to have received it, so each round begins a little before the last
 * one ended, and what was taken already is left out by its hash.
 */
export interface Round {
  readonly firstQuery: string
  /** Statuses of a page that were not taken before. */
  fresh(page: Page): readonly Status[]
  /** Everything fresh of the page is durable. */
  taken(page: Page): Step
}

/** Times of a server that lie further ahead are none. */
const MOST_AHEAD_MS = 86_400_000
/** Statuses of a round that are remembered; a longer one may bring some again, as duplicates. */
const MOST_SEEN = 200_000

export interface RoundOptions {
  readonly overlapMs: number
  readonly nowMs: () => number
}

/** `seen` lives as long as the poller, so that a round that broke off brings nothing twice. */
export function createRound(
  { startMs }: Cursor,
  seen: Map<string, number>,
  { overlapMs, nowMs }: RoundOptions,
): Round {
  let askedMs = startMs
  let newestMs = startMs
  let byLink = false

  return {
    firstQuery: queryFrom(startMs),
    fresh: ({ statuses }) => {
      const inPage = new Set<string>()
      return statuses.filter(({ hash }) => {
        if (seen.has(hash) || inPage.has(hash)) return false
        inPage.add(hash)
        return true
      })
    },
    taken(page) {
      const added = remember(page)
      if (!page.isMore) return { nextQuery: null, cursor: ended(page) }
      if (page.nextQuery !== null) {
        // Parts behind a link may be in any order: until the last of them, nothing is passed.
        byLink = true
        return { nextQuery: page.nextQuery, cursor: null }
      }
      // The standard goes on one second later, and would skip what the page cut off in that second.
      // Only a page that brought nothing new shows that there is nothing else to be had there.
      const isStuck = newestMs <= askedMs && added === 0
      askedMs = isStuck ? askedMs + 1000 : newestMs
      return { nextQuery: queryFrom(askedMs), cursor: byLink ? null : cursorAt(askedMs) }
    },
  }

  function remember({ statuses }: Page): number {
    const latest = nowMs() + MOST_AHEAD_MS
    let added = 0
    for (const { hash, receivedMs } of statuses) {
      if (receivedMs !== null && receivedMs < latest) newestMs = Math.max(newestMs, receivedMs)
      if (!seen.has(hash)) added += 1
      if (seen.size < MOST_SEEN) seen.set(hash, receivedMs ?? nowMs())
    }
    return added
  }

  /** The standard asks on from the server's own time. */
  function ended({ serverMs }: Page): Cursor {
    const isTime = serverMs !== null && serverMs < nowMs() + MOST_AHEAD_MS
    return cursorAt(Math.max(startMs, (isTime ? serverMs : newestMs) - overlapMs))
  }

  /** What was received before the new start cannot come again. */
  function cursorAt(nextMs: number): Cursor {
    for (const [hash, receivedMs] of seen) if (receivedMs < nextMs) seen.delete(hash)
    return { startMs: nextMs, seen: [...seen] }
  }
}

function queryFrom(startMs: number): string {
  const starttime = new Date(startMs).toISOString()
  return new URLSearchParams({ datetype: 'received', starttime }).toString()
}
