import type { Session } from './answers.ts'
import type { PlatformClock } from './clock.ts'

export type Parameters = Readonly<Record<string, string | number | undefined>>

/** Why there is no answer. */
export interface Fault {
  readonly sort: 'unreachable' | 'signed-out' | 'refused'
  /** What the platform said; empty when it could not be reached. */
  readonly detail: string
}

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault }

export interface ApiClient {
  get<T>(path: string, parameters?: Parameters): Promise<Outcome<T>>
  signIn(key: string): Promise<Outcome<Session>>
  signOut(): Promise<void>
  /** A stream of server-sent events; throws when the platform cannot be reached. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>
}

export interface ClientEvents {
  /** After every request: whether the platform answered it. */
  reached(isReached: boolean): void
  /** The session is over and could not be begun again. */
  signedOut(): void
}

const BASE = '/api/v1'
const TIMEOUT_MS = 20_000
const GATEWAY_ERRORS: ReadonlySet<number> = new Set([502, 503, 504])

/**
 * The key stays in this closure alone, never in storage: a page that runs for days, or outlives a
 * restart of the platform, begins a new session with it.
 */
export function createApiClient(clock: PlatformClock, events: ClientEvents): ApiClient {
  let key: string | null = null
  let renewal: Promise<boolean> | null = null

  return {
    async get<T>(path: string, parameters: Parameters = {}) {
      const address = addressOf(path, parameters)
      const response = await request(address)
      if (response?.status === 401 && (await renew())) return outcomeOf<T>(await request(address))
      return outcomeOf<T>(response)
    },
    async signIn(given) {
      const outcome = await beginSession(given)
      if (outcome.ok) key = given
      return outcome
    },
    async signOut() {
      key = null
      await request(`${BASE}/session`, { method: 'DELETE' })
    },
    async open(path, headers, signal) {
      const response = await fetch(BASE + path, { headers, signal, cache: 'no-store' })
      clock.learn(response.headers.get('date'))
      if (response.status === 401) await renew()
      return response
    },
  }

  async function beginSession(given: string): Promise<Outcome<Session>> {
    return outcomeOf<Session>(
      await request(`${BASE}/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ key: given }),
      }),
    )
  }

  /** Requests that fail at the same time share one new session. */
  async function renew(): Promise<boolean> {
    renewal ??= renewed().finally(() => (renewal = null))
    return renewal
  }

  async function renewed(): Promise<boolean> {
    const outcome = key === null ? null : await beginSession(key)
    if (outcome?.ok) return true
    if (outcome?.fault.sort === 'unreachable') return false
    key = null
    events.signedOut()
    return false
  }

  /** Null when the platform cannot be reached. */
  async function request(address: string, init: RequestInit = {}): Promise<Response | null> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const response = await fetch(address, { signal, cache: 'no-store', ...init })
      const isReached = !GATEWAY_ERRORS.has(response.status)
      events.reached(isReached)
      clock.learn(response.headers.get('date'))
      return isReached ? response : null
    } catch {
      // Refused, cut off or timed out: for the visitor all of them mean "not connected".
      events.reached(false)
      return null
    }
  }
}

export function addressOf(path: string, parameters: Parameters): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return query.size === 0 ? BASE + path : `${BASE}${path}?${query}`
}

async function outcomeOf<T>(response: Response | null): Promise<Outcome<T>> {
  if (!response) return { ok: false, fault: { sort: 'unreachable', detail: '' } }
  const body: unknown = await response.json().catch(() => null)
  // The API keeps to its schemas; tests/browser compares what is read here with them.
  if (response.ok) return { ok: true, value: body as T }
  const sort = response.status === 401 ? 'signed-out' : 'refused'
  return { ok: false, fault: { sort, detail: detailOf(body) ?? `HTTP ${response.status}` } }
}

function detailOf(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('detail' in body)) return null
  return typeof body.detail === 'string' ? body.detail : null
}
