import type { Caller } from '#lib/access/policy.ts'
import type { Api } from '../api.ts'
import type { Viewer } from './viewer.ts'
import { Problem } from '../replies/problem.ts'

/** Everybody who watches now: limits, signs of life, and the end of those who may not any more. */
export interface Viewers {
  readonly size: number
  /** Why one more is too many; null when there is room. */
  refusal(caller: Caller): Problem | null
  add(viewer: Viewer, caller: Caller): void
  remove(viewer: Viewer): void
  mayWatch(caller: Caller): boolean
  /** Nobody is let in after it. */
  endAll(): void
}

/** How often it is looked whether sessions have ended, at most. */
const LOOK_MS = 1000
const RETRY_S = 5

export function createViewers(api: Api): Viewers {
  const { registry, sessions, clock, intakes } = api
  const { liveLimits: limits, localToken } = api.options
  const viewers = new Map<Viewer, Caller>()
  const heartbeatNs = BigInt(Math.round(limits.heartbeatMs * 1e6))
  let timer: NodeJS.Timeout | undefined
  let beatenAtNs = 0n
  let closing = false
  let validKeys = keyIds()
  registry.onChange(({ table }) => {
    if (table !== 'keys') return
    validKeys = keyIds()
    endForeign()
  })

  return {
    get size() {
      return viewers.size
    },
    refusal({ key }) {
      if (closing) return tooMany('the platform stops; come back in a moment')
      const { viewers: most, viewersPerKey } = limits
      if (viewers.size >= most) {
        return tooMany(
          `expected at most ${most} live streams (PADBORG_LIVE_VIEWERS), they are open`,
        )
      }
      const own = [...viewers.values()].filter((caller) => caller.key.id === key.id).length
      if (own < viewersPerKey) return null
      return tooMany(
        `expected at most ${viewersPerKey} live streams of one key ` +
          '(PADBORG_LIVE_VIEWERS_PER_KEY), they are open; close one',
      )
    },
    add(viewer, caller) {
      viewers.set(viewer, caller)
      timer ??= setInterval(look, Math.min(LOOK_MS, limits.heartbeatMs)).unref()
    },
    remove(viewer) {
      viewers.delete(viewer)
      if (viewers.size > 0) return
      clearInterval(timer)
      timer = undefined
    },
    mayWatch,
    endAll() {
      closing = true
      for (const viewer of viewers.keys()) viewer.end()
    },
  }

  function look(): void {
    endForeign()
    // They come back, and are told why nothing can be shown.
    if (intakes.some(({ isLost }) => isLost)) for (const viewer of viewers.keys()) viewer.end()
    const nowNs = clock.monoNs()
    if (nowNs - beatenAtNs < heartbeatNs) return
    beatenAtNs = nowNs
    for (const viewer of viewers.keys()) viewer.beat()
  }

  function endForeign(): void {
    for (const [viewer, caller] of viewers) if (!mayWatch(caller)) viewer.end()
  }

  function mayWatch({ key, sessionId }: Caller): boolean {
    if (sessionId !== null && !sessions.get(sessionId)) return false
    // The token of this machine lasts as long as the process.
    return validKeys.has(key.id) || (localToken !== null && key.id === 'local')
  }

  function keyIds(): ReadonlySet<string> {
    return new Set(registry.keys.list().map(({ id }) => id))
  }
}

function tooMany(detail: string): Problem {
  return new Problem(503, detail, { headers: { 'retry-after': String(RETRY_S) } })
}
