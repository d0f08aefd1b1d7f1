import type { Clock } from '#lib/runtime/clock.ts'
import { randomSecret } from '#lib/runtime/random.ts'
import type { Registry } from '#lib/registry/registry.ts'
import type { Caller } from '#lib/access/policy.ts'

export interface SessionLimits {
  readonly maxSessions: number
  /** One key cannot push the sessions of others out. */
  readonly maxSessionsPerKey: number
  readonly sessionHours: number
}

export interface Session {
  readonly id: string
  readonly key: Caller['key']
  readonly endsAtNs: bigint
}

/** Sign-ins of the portal, in memory: they end with their key, their time, or this process. */
export interface Sessions {
  begin(key: Caller['key']): Session
  get(id: string): Session | null
  end(id: string): void
}

const NS_PER_HOUR = 3_600_000_000_000

export function createSessions(
  deps: { readonly registry: Pick<Registry, 'keys' | 'onChange'>; readonly clock: Clock },
  limits: SessionLimits,
): Sessions {
  const { registry, clock } = deps
  // Oldest first, as a Map keeps its order.
  const sessions = new Map<string, Session>()
  registry.onChange(({ table, id }) => {
    if (table !== 'keys') return
    const valid = new Set(registry.keys.list().map((key) => key.id))
    for (const session of sessions.values()) {
      const changed = id === null || id === session.key.id
      if (changed && !valid.has(session.key.id)) sessions.delete(session.id)
    }
  })

  return {
    begin(key) {
      makeRoom(key.id)
      const endsAtNs = clock.nowNs() + BigInt(Math.round(limits.sessionHours * NS_PER_HOUR))
      const session = { id: randomSecret('pbw_'), key, endsAtNs }
      sessions.set(session.id, session)
      return session
    },
    get(id) {
      const session = sessions.get(id)
      if (!session) return null
      if (session.endsAtNs > clock.nowNs()) return session
      sessions.delete(id)
      return null
    },
    end: (id) => void sessions.delete(id),
  }

  function makeRoom(keyId: string): void {
    const nowNs = clock.nowNs()
    for (const { id, endsAtNs } of sessions.values()) if (endsAtNs <= nowNs) sessions.delete(id)
    const own = [...sessions.values()].filter(({ key }) => key.id === keyId)
    for (const { id } of own.slice(0, Math.max(0, own.length + 1 - limits.maxSessionsPerKey))) {
      sessions.delete(id)
    }
    for (const id of sessions.keys()) {
      if (sessions.size < limits.maxSessions) break
      sessions.delete(id)
    }
  }
}
