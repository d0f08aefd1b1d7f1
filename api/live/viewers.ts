import type { Caller } from '#lib/access/policy.ts'
import type { Api } from '../api.ts'
import { callerTagOf } from '#lib/telemetry/caller-tag.ts'
import type { Viewer } from './viewer.ts'
import { Problem } from '../replies/problem.ts'

/** How often ended sessions and revoked keys are looked for, at most. */
const CHECK_MS = 1000
const RETRY_S = 5
/** So many streams a tenant gets also when others have opened all: one of those ends. */
const GUARANTEED = 5

/** All clients of the live stream: their limits, heartbeats, and the end of those that lost access. */
export class Viewers {
  readonly #api: Api
  readonly #viewers = new Map<Viewer, Caller>()
  readonly #heartbeatNs: bigint
  #validKeys: ReadonlySet<string>
  #timer: NodeJS.Timeout | undefined
  #heartbeatAtNs = 0n
  #isClosing = false

  constructor(api: Api) {
    this.#api = api
    this.#heartbeatNs = BigInt(Math.round(api.options.liveLimits.heartbeatMs * 1e6))
    this.#validKeys = keyIds(api)
    api.registry.onChange(({ table }) => {
      if (table !== 'keys') return
      this.#validKeys = keyIds(api)
      this.#endWithoutAccess()
    })
  }

  get size(): number {
    return this.#viewers.size
  }

  /** Why one more viewer is refused; null when there is room. */
  refusal({ key }: Caller): Problem | null {
    if (this.#isClosing) return tooMany('the platform stops; come back in a moment')
    const { viewers: max, viewersPerTenant, viewersPerKey } = this.#api.options.liveLimits
    const { tenant } = callerTagOf(key)
    const open = [...this.#viewers.values()]
    if (open.filter((caller) => caller.key.id === key.id).length >= viewersPerKey) {
      return ownLimit(`${viewersPerKey} live streams of one key (PADBORG_LIVE_VIEWERS_PER_KEY)`)
    }
    const ofTenant = open.filter((caller) => callerTagOf(caller.key).tenant === tenant).length
    if (key.tenant !== null && ofTenant >= viewersPerTenant) {
      const limit = `${viewersPerTenant} live streams of one tenant`
      return ownLimit(`${limit} (PADBORG_LIVE_VIEWERS_PER_TENANT)`)
    }
    if (open.length < max || this.#makeRoom(ofTenant)) return null
    return tooMany(
      `expected at most ${max} live streams (PADBORG_LIVE_VIEWERS), they are open; ` +
        `try again in ${RETRY_S} s`,
    )
  }

  /** Ends the latest stream of the tenant with most of them, for one that has few. */
  #makeRoom(own: number): boolean {
    const byTenant = Map.groupBy(this.#viewers, ([, { key }]) => callerTagOf(key).tenant)
    const [most = []] = [...byTenant.values()].toSorted((a, b) => b.length - a.length)
    const latest = most.at(-1)
    if (!latest || own >= GUARANTEED || most.length <= GUARANTEED) return false
    const [viewer] = latest
    viewer.end()
    this.remove(viewer)
    return true
  }

  add(viewer: Viewer, caller: Caller): void {
    const { heartbeatMs } = this.#api.options.liveLimits
    this.#viewers.set(viewer, caller)
    this.#timer ??= setInterval(() => this.#check(), Math.min(CHECK_MS, heartbeatMs)).unref()
  }

  remove(viewer: Viewer): void {
    this.#viewers.delete(viewer)
    if (this.#viewers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  mayWatch({ key, sessionId }: Caller): boolean {
    const { sessions, options } = this.#api
    if (sessionId !== null && !sessions.get(sessionId)) return false
    // The token of this machine is valid as long as the process runs.
    return this.#validKeys.has(key.id) || (options.localToken !== null && key.id === 'local')
  }

  /** No viewer is admitted after it. */
  endAll(): void {
    this.#isClosing = true
    for (const viewer of this.#viewers.keys()) viewer.end()
  }

  #check(): void {
    const { clock, intakes } = this.#api
    this.#endWithoutAccess()
    // They come back, and get an error that says which intake does not reply.
    if (intakes.some(({ isLost }) => isLost)) {
      for (const viewer of this.#viewers.keys()) viewer.end()
    }
    const nowNs = clock.monoNs()
    if (nowNs - this.#heartbeatAtNs < this.#heartbeatNs) return
    this.#heartbeatAtNs = nowNs
    for (const viewer of this.#viewers.keys()) viewer.heartbeat()
  }

  #endWithoutAccess(): void {
    for (const [viewer, caller] of this.#viewers) if (!this.mayWatch(caller)) viewer.end()
  }
}

function keyIds({ registry }: Api): ReadonlySet<string> {
  return new Set(registry.keys.list().map(({ id }) => id))
}

function ownLimit(what: string): Problem {
  return tooMany(`expected at most ${what}, they are open; close one`)
}

function tooMany(detail: string): Problem {
  return new Problem(503, detail, { headers: { 'retry-after': String(RETRY_S) } })
}
