import { outcomeOf, type Outcome } from './outcome.ts'
import type { PlatformClock } from './platform-clock.ts'
import type { Session } from './rows.ts'

export type Parameters = Readonly<Record<string, string | number | undefined>>

export interface ApiClient {
  get<T>(path: string, parameters?: Parameters): Promise<Outcome<T>>
  /** A page of rows as CSV. */
  getCsv(path: string, parameters: Parameters): Promise<Outcome<CsvText>>
  signIn(key: string): Promise<Outcome<Session>>
  signOut(): Promise<void>
  /** A stream of server-sent events; throws when the platform cannot be reached. */
  open(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<Response>
}

export interface CsvText {
  readonly text: string
  /** Cursor of the page that follows; null after the last one. */
  readonly next: string | null
}

export interface ClientEvents {
  /** After every request: whether the platform responded. */
  reached(isReached: boolean): void
  /** The session has ended and could not be renewed. */
  signedOut(): void
}

const BASE = '/api/v1'
const TIMEOUT_MS = 20_000
const GATEWAY_ERRORS: ReadonlySet<number> = new Set([502, 503, 504])

export function createApiClient(clock: PlatformClock, events: ClientEvents): ApiClient {
  const request = createRequest(clock, events)
  const session = createSessionKeeper(request, events)
  const renewed = async (address: string) => {
    const response = await request(address)
    const isRenewed = response?.status === 401 && (await session.renew())
    return isRenewed ? await request(address) : response
  }
  return {
    get: async <T>(path: string, parameters: Parameters = {}) =>
      outcomeOf<T>(await renewed(addressOf(path, parameters))),
    async getCsv(path, parameters) {
      const response = await renewed(addressOf(path, { ...parameters, as: 'csv' }))
      if (!response?.ok) return outcomeOf<CsvText>(response)
      return await csvOf(response)
    },
    signIn: (key) => session.begin(key),
    signOut: () => session.end(),
    async open(path, headers, signal) {
      const response = await fetch(BASE + path, { headers, signal, cache: 'no-store' })
      clock.learn(response.headers.get('date'))
      if (response.status === 401) await session.renew()
      return response
    },
  }
}

/** The address of the next page is in a header (RFC 8288). A body that is cut off is no result. */
async function csvOf(response: Response): Promise<Outcome<CsvText>> {
  const link = response.headers.get('link') ?? ''
  const next = new URLSearchParams(/<[^>?]*\?([^>]*)>; rel="next"/.exec(link)?.[1]).get('cursor')
  try {
    return { ok: true, value: { text: await response.text(), next } }
  } catch {
    return await outcomeOf<CsvText>(null)
  }
}

export function addressOf(path: string, parameters: Parameters): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return query.size === 0 ? BASE + path : `${BASE}${path}?${query}`
}

/** Null when the platform cannot be reached. */
type SendRequest = (address: string, init?: RequestInit) => Promise<Response | null>

function createRequest(clock: PlatformClock, events: ClientEvents): SendRequest {
  return async (address, init = {}) => {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const response = await fetch(address, { signal, cache: 'no-store', ...init })
      const isReached = !GATEWAY_ERRORS.has(response.status)
      clock.learn(response.headers.get('date'))
      events.reached(isReached)
      return isReached ? response : null
    } catch {
      // Refused, cut off or timed out: to the visitor each means "not connected".
      events.reached(false)
      return null
    }
  }
}

/**
 * The key stays in this closure alone, never in storage: a page that runs for days, or outlives a
 * restart of the platform, begins a new session with it.
 */
function createSessionKeeper(request: SendRequest, events: ClientEvents) {
  const path = `${BASE}/session`
  let key: string | null = null
  let renewal: Promise<boolean> | null = null

  return {
    async begin(candidate: string): Promise<Outcome<Session>> {
      const outcome = await post(candidate)
      if (outcome.ok) key = candidate
      return outcome
    },
    async end(): Promise<void> {
      key = null
      await request(path, { method: 'DELETE' })
    },
    /** Requests that fail at the same time share one new session. */
    async renew(): Promise<boolean> {
      renewal ??= tryToRenew().finally(() => (renewal = null))
      return renewal
    },
  }

  async function post(candidate: string): Promise<Outcome<Session>> {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ key: candidate })
    return outcomeOf(await request(path, { method: 'POST', headers, body }))
  }

  async function tryToRenew(): Promise<boolean> {
    const outcome = key === null ? null : await post(key)
    if (outcome?.ok) return true
    if (outcome?.fault.reason === 'unreachable') return false
    key = null
    events.signedOut()
    return false
  }
}
