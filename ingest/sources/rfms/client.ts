import { nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { readPage, type Page } from './page.ts'
import { exhaustedMs, retryAfterMs } from './rate-limit.ts'
import { MEDIA_TYPES, type RfmsServer } from './servers-file.ts'

export interface Answer {
  readonly page: Page
  /** To be waited before the next question. */
  readonly pauseMs: number
}

/** Why a question was not answered, for people, and what that means for the next one. */
export interface Failure {
  readonly text: string
  /** `settings`: asking again changes nothing until somebody has changed something. */
  readonly sort: 'passing' | 'settings'
  /** What the server wants to be left alone for; null where it does not say. */
  readonly retryMs: number | null
}

export interface RfmsClient {
  /** Asks `/vehiclestatuses` with a query. Never throws; an aborted question is a failure. */
  ask(query: string, signal: AbortSignal): Promise<Answer | Failure>
}

export interface ClientOptions {
  readonly requestTimeoutMs: number
  readonly maxResponseBytes: number
}

/** A token is renewed so long before it runs out. */
const RENEW_MS = 30_000
const SHOWN = 200
const passing = (text: string): Failure => ({ text, sort: 'passing', retryMs: null })

export function createRfmsClient(
  server: RfmsServer,
  { requestTimeoutMs, maxResponseBytes }: ClientOptions,
  nowMs: () => number,
): RfmsClient {
  const base = `${server.url.replace(/\/+$/, '')}/vehiclestatuses`
  const basic = `Basic ${Buffer.from(`${server.user}:${server.password}`).toString('base64')}`
  let token: { readonly header: string; readonly endsMs: number } | null = null

  return {
    async ask(query, signal) {
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)])
        const header = await authorization(limit)
        if (typeof header !== 'string') return header
        return await askOnce(query, header, limit)
      } catch (error) {
        const { cause } = error instanceof Error ? error : {}
        return passing(`it does not answer (${messageOf(cause ?? error)})`)
      }
    },
  }

  async function askOnce(query: string, header: string, signal: AbortSignal) {
    // A redirect would take the password to where we do not know.
    const response = await fetch(`${base}?${query}`, {
      headers: { accept: MEDIA_TYPES[server.version], authorization: header },
      redirect: 'error',
      signal,
    })
    const body = await readBody(response)
    if (response.status === 401) token = null
    if (response.status !== 200) return refusalOf(response, body)
    if (body === null) return passing(`it answered with more than ${maxResponseBytes} bytes`)
    const page = readPage(parsed(body))
    if (!page) return passing(`it answered with no rFMS response but "${body.slice(0, SHOWN)}"`)
    return { page, pauseMs: exhaustedMs(response.headers, nowMs()) }
  }

  /** OAuth 2 client credentials (RFC 6749, 4.4), or Basic. */
  async function authorization(signal: AbortSignal): Promise<string | Failure> {
    if (server.tokenUrl === undefined) return basic
    if (token && token.endsMs > nowMs()) return token.header
    const scope = server.scope === undefined ? {} : { scope: server.scope }
    const form = new URLSearchParams({ grant_type: 'client_credentials', ...scope })
    const response = await fetch(server.tokenUrl, {
      method: 'POST',
      headers: { authorization: basic, accept: 'application/json' },
      body: form,
      redirect: 'error',
      signal,
    })
    const body = await readBody(response)
    if (response.status !== 200) {
      const failure = refusalOf(response, body)
      return { ...failure, text: `no token: ${failure.text}` }
    }
    const { access_token: text, expires_in: seconds } = tokenIn(body)
    if (text === null) return passing('no token: its answer has no access_token')
    token = { header: `Bearer ${text}`, endsMs: nowMs() + seconds * 1000 - RENEW_MS }
    return token.header
  }

  /** Null: more than is taken. */
  async function readBody(response: Response): Promise<string | null> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      // Leaving the loop ends the download.
      if (bytes > maxResponseBytes) return null
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  function refusalOf({ status, headers }: Response, body: string | null): Failure {
    const retryMs = retryAfterMs(headers, nowMs())
    if (status === 429) return { text: 'it was asked too often (429)', sort: 'passing', retryMs }
    if (status >= 500) return { text: `it answered ${status}`, sort: 'passing', retryMs }
    const hint = HINTS[status] ?? 'expected 200'
    const said = body === null ? '' : `: "${body.slice(0, SHOWN)}"`
    // A token may have been taken back: a new one is asked for, at a distance.
    const sort = status === 401 && server.tokenUrl !== undefined ? 'passing' : 'settings'
    return { text: `it answered ${status}, ${hint}${said}`, sort, retryMs }
  }
}

const HINTS: Readonly<Record<number, string>> = {
  400: 'the question is not what it expects: check "version"',
  401: 'check "user" and "password"',
  403: 'this account may not read vehicle statuses: ask the maker to open them',
  404: 'check "url", which ends before /vehiclestatuses',
  406: 'it does not have this version: check "version"',
}

function parsed(text: string): unknown {
  if (nestsTooDeep(text)) return null
  try {
    return JSON.parse(text)
  } catch {
    // Told by the caller, with the beginning of the text.
    return null
  }
}

const DEFAULT_TOKEN_S = 300

function tokenIn(body: string | null): { access_token: string | null; expires_in: number } {
  const answer = parsed(body ?? '')
  if (typeof answer !== 'object' || answer === null || !('access_token' in answer)) {
    return { access_token: null, expires_in: 0 }
  }
  const { access_token: text } = answer
  const seconds = 'expires_in' in answer ? Number(answer.expires_in) : Number.NaN
  return {
    access_token: typeof text === 'string' && text !== '' ? text : null,
    expires_in: Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_TOKEN_S,
  }
}
