import { messageOf } from '#lib/runtime/errors.ts'
import { nestsTooDeep } from '#lib/telemetry/json-depth.ts'
import { isFailure, retryable, type Failure } from './failure.ts'
import type { RfmsSettings } from './options.ts'
import { readPage, type Page } from './page.ts'
import { exhaustedMs, retryAfterMs } from './rate-limit.ts'
import { MEDIA_TYPES, type RfmsServer } from './servers-file.ts'

export interface FetchedPage {
  readonly page: Page
  /** To wait before the next request. */
  readonly pauseMs: number
}

/** A token is renewed so long before it expires. */
const RENEW_MS = 30_000
/** Where the server does not state how long a token is valid. */
const DEFAULT_TOKEN_S = 300
/** Characters of a response in a log line. */
const MAX_SHOWN = 200

/** `/vehiclestatuses` of one rFMS server. */
export class RfmsClient {
  readonly #server: RfmsServer
  readonly #settings: Pick<RfmsSettings, 'requestTimeoutMs' | 'maxResponseBytes'>
  readonly #nowMs: () => number
  readonly #url: string
  readonly #basic: string
  #token: { readonly header: string; readonly endsMs: number } | null = null

  constructor(
    settings: Pick<RfmsSettings, 'server' | 'requestTimeoutMs' | 'maxResponseBytes'>,
    nowMs: () => number,
  ) {
    const { url, user, password } = settings.server
    this.#server = settings.server
    this.#settings = settings
    this.#nowMs = nowMs
    this.#url = `${url.replace(/\/+$/, '')}/vehiclestatuses`
    this.#basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  }

  /** Never throws; an aborted request is a failure. */
  async fetchPage(query: string, signal: AbortSignal): Promise<FetchedPage | Failure> {
    const { requestTimeoutMs } = this.#settings
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)])
      const authorization = await this.#authorization(limit)
      if (isFailure(authorization)) return authorization
      return await this.#fetch(query, authorization, limit)
    } catch (error) {
      const { cause } = error instanceof Error ? error : {}
      return retryable(`it does not answer (${messageOf(cause ?? error)})`)
    }
  }

  async #fetch(
    query: string,
    authorization: string,
    signal: AbortSignal,
  ): Promise<FetchedPage | Failure> {
    // A redirect would send the password to an unknown server.
    const response = await fetch(`${this.#url}?${query}`, {
      headers: { accept: MEDIA_TYPES[this.#server.version], authorization },
      redirect: 'error',
      signal,
    })
    const body = await this.#readBody(response)
    if (response.status === 401) this.#token = null
    if (response.status !== 200) return this.#refusal(response, body)
    if (body === null) {
      return retryable(`it answered with more than ${this.#settings.maxResponseBytes} bytes`)
    }
    const page = readPage(parsedJson(body))
    if (page) return { page, pauseMs: exhaustedMs(response.headers, this.#nowMs()) }
    return retryable(`expected an rFMS response, got "${body.slice(0, MAX_SHOWN)}"`)
  }

  /** OAuth 2 client credentials (RFC 6749, 4.4), or Basic. */
  async #authorization(signal: AbortSignal): Promise<string | Failure> {
    const { tokenUrl } = this.#server
    if (tokenUrl === undefined) return this.#basic
    if (this.#token && this.#token.endsMs > this.#nowMs()) return this.#token.header
    const response = await this.#requestToken(tokenUrl, signal)
    const body = await this.#readBody(response)
    if (response.status !== 200) {
      const failure = this.#refusal(response, body)
      return { ...failure, text: `no token: ${failure.text}` }
    }
    const token = tokenIn(body)
    if (!token) return retryable('no token: its response has no access_token')
    const endsMs = this.#nowMs() + token.seconds * 1000 - RENEW_MS
    this.#token = { header: `Bearer ${token.text}`, endsMs }
    return this.#token.header
  }

  #requestToken(tokenUrl: string, signal: AbortSignal): Promise<Response> {
    const { scope } = this.#server
    const form = { grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }
    return fetch(tokenUrl, {
      method: 'POST',
      headers: { authorization: this.#basic, accept: 'application/json' },
      body: new URLSearchParams(form),
      redirect: 'error',
      signal,
    })
  }

  /** Null: over the limit. */
  async #readBody(response: Response): Promise<string | null> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length
      // Leaving the loop ends the download.
      if (bytes > this.#settings.maxResponseBytes) return null
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  #refusal({ status, headers }: Response, body: string | null): Failure {
    const retryMs = retryAfterMs(headers, this.#nowMs())
    if (status === 429) return retryable('it received too many requests (429)', retryMs)
    if (status >= 500) return retryable(`it answered ${status}`, retryMs)
    const hint = HINTS[status] ?? 'expected 200'
    const got = body === null ? '' : `: "${body.slice(0, MAX_SHOWN)}"`
    // A token may have been withdrawn: a new one is requested, after a pause.
    const isToken = status === 401 && this.#server.tokenUrl !== undefined
    return { text: `it answered ${status}, ${hint}${got}`, retryable: isToken, retryMs }
  }
}

const HINTS: Readonly<Record<number, string>> = {
  400: 'the request is not what it expects: check "version"',
  401: 'check "user" and "password"',
  403: 'this account may not read vehicle statuses: ask the manufacturer for access',
  404: 'check "url", which ends before /vehiclestatuses',
  406: 'it does not have this version: check "version"',
}

function parsedJson(text: string): unknown {
  if (nestsTooDeep(text)) return null
  try {
    return JSON.parse(text)
  } catch {
    // Reported by the caller, with the beginning of the text.
    return null
  }
}

/** Null: the response holds no token. */
function tokenIn(body: string | null): { readonly text: string; readonly seconds: number } | null {
  const response = parsedJson(body ?? '')
  if (typeof response !== 'object' || response === null) return null
  if (!('access_token' in response)) return null
  const { access_token: text } = response
  if (typeof text !== 'string' || text === '') return null
  const seconds = 'expires_in' in response ? Number(response.expires_in) : Number.NaN
  return { text, seconds: Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_TOKEN_S }
}
