import type { ServerResponse } from 'node:http'
import type { Caller } from '#lib/access/policy.ts'
import { FairQueue, type Shares } from '#lib/runtime/fair-queue.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { callerTagOf } from '#lib/telemetry/caller-tag.ts'
import { Problem } from '../replies/problem.ts'

/** What waits for a turn: a query, or a file of readings, which takes room on the disk until it is sent. */
export type TurnKind = 'queries' | 'files'

export interface QueueLimits {
  readonly running: Shares
  readonly waiting: Shares
}
export type TurnLimits = Readonly<Record<TurnKind, QueueLimits>>

/** A page of the portal runs up to eight queries at once, a wall of dashboards waits in the queue. */
export const TURN_LIMITS: TurnLimits = {
  queries: {
    running: { ofKey: 8, ofTenant: 16, all: 1000 },
    waiting: { ofKey: 100, ofTenant: 200, all: 2000 },
  },
  files: {
    running: { ofKey: 2, ofTenant: 4, all: 64 },
    waiting: { ofKey: 4, ofTenant: 8, all: 64 },
  },
}

/** A query that has no turn by then is refused. */
const MAX_WAIT_MS = 10_000
/** A client that reads nothing of its response for this long is disconnected. */
export const UNREAD_MS = 30_000
const RETRY_S = 1

const NAMES = { queries: 'queries', files: 'files of readings' } as const
const OWNERS = { ofKey: 'of one key', ofTenant: 'of one tenant', all: 'in all' } as const

/** The turns of queries and files, shared by tenant and by key. */
export interface Turns {
  /**
   * Resolves when the request may run: it has its turn until the response was sent or given up. A
   * problem where it may not.
   */
  enter(kind: TurnKind, caller: Caller, given: TurnOf): Promise<Problem | null>
}

interface TurnOf {
  readonly response: ServerResponse
  readonly signal: AbortSignal
}

export function createTurns(limits: TurnLimits, metrics: Metrics): Turns {
  const queues = { queries: queueOf('queries', limits), files: queueOf('files', limits) }
  const sum = (read: (queue: FairQueue) => number) => read(queues.queries) + read(queues.files)
  metrics.gauge('padborg_queries_running', () => sum(({ running }) => running))
  metrics.gauge('padborg_queries_waiting', () => sum(({ waiting }) => waiting))
  return {
    async enter(kind, { key }, { response, signal }) {
      const late = AbortSignal.timeout(MAX_WAIT_MS)
      try {
        const turn = await queues[kind].enter(callerTagOf(key), {
          signal: AbortSignal.any([signal, late]),
        })
        response.once('close', () => turn.leave())
        return null
      } catch (error) {
        if (error instanceof NoTurn) return error.problem
        if (late.aborted && !signal.aborted) return waitedTooLong(kind)
        throw error
      }
    },
  }
}

function queueOf(kind: TurnKind, limits: TurnLimits): FairQueue {
  return new FairQueue({
    ...limits[kind],
    refuse: (whose, limit) => new NoTurn(tooMany(kind, whose, limit)),
  })
}

class NoTurn extends Error {
  override readonly name = 'NoTurn'
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

/** 429 where the caller can do something about it, 503 where others have filled the queue. */
function tooMany(kind: TurnKind, whose: keyof Shares, limit: number): Problem {
  const detail =
    `expected at most ${limit} ${NAMES[kind]} ${OWNERS[whose]} to wait, got one more; ` +
    `wait for results before you send the next, or try again in ${RETRY_S} s`
  return busy(whose === 'all' ? 503 : 429, detail)
}

function waitedTooLong(kind: TurnKind): Problem {
  const detail =
    `expected a turn among the ${NAMES[kind]} of this key within ${MAX_WAIT_MS / 1000} s, got ` +
    `none: others of the same key or tenant still run; send fewer at once, or shorter spans`
  return busy(503, detail)
}

function busy(status: number, detail: string): Problem {
  const headers = { 'retry-after': String(RETRY_S) }
  return new Problem(status, detail, { code: 'QUERY_BUSY', headers })
}
