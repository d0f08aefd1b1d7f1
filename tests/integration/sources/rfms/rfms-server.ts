import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A vehicle status that the server has received. */
export interface ServedStatus {
  readonly vin: string
  readonly receivedMs: number
  /** When the vehicle made it; different for each status of a test. */
  readonly createdMs: number
  /** The server shows it only to requests at or after that time. */
  readonly shownFromMs?: number
}

/** How the rFMS servers of manufacturers differ; may be changed while the server runs. */
export interface ServerManner {
  pageSize: number
  /** Gives a link to the next page, with statuses in the order of VINs; else by time. */
  links: boolean
  user: string
  password: string
  /** Basic, or the OAuth 2 token that it gives out. */
  token: string | null
  expiresInS: number
  /** Responses to give instead, one for each request. */
  instead: { readonly status: number; readonly headers?: Record<string, string>; body?: string }[]
  /** Of every response. */
  headers: Record<string, string>
}

const DEFAULTS: ServerManner = {
  pageSize: 1000,
  links: false,
  user: 'padborg',
  password: 'geheim: 1%',
  token: null,
  expiresInS: 3600,
  instead: [],
  headers: {},
}

/** A real HTTP server that answers as the rFMS 4.0 OpenAPI document describes (way-platform/rfms-go). */
export class RfmsTestServer {
  readonly manner: ServerManner
  readonly statuses: ServedStatus[] = []
  /** Queries of `/vehiclestatuses`, in their order. */
  readonly queries: URLSearchParams[] = []
  readonly accepts: string[] = []
  /** Tokens requested. */
  tokens = 0
  #port = 0
  readonly #server = createServer((request, response) => {
    request.resume()
    this.#answer(request, response)
  })

  private constructor(manner: Partial<ServerManner>) {
    this.manner = { ...DEFAULTS, instead: [], ...manner }
  }

  static async start(manner: Partial<ServerManner> = {}): Promise<RfmsTestServer> {
    const self = new RfmsTestServer(manner)
    await new Promise<void>((resolve) => self.#server.listen(0, '127.0.0.1', resolve))
    // A TCP server that listens has an address of this form.
    self.#port = (self.#server.address() as AddressInfo).port
    return self
  }

  get url(): string {
    return `${this.#address}/customer/rfms`
  }

  get tokenUrl(): string {
    return `${this.#address}/token`
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  get #address(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url ?? '', this.#address)
    const { authorization = '', accept = '' } = request.headers
    if (pathname === '/token') return this.#answerToken(authorization, response)
    if (pathname !== '/customer/rfms/vehiclestatuses') return this.#send(response, 404, {})
    this.queries.push(searchParams)
    this.accepts.push(accept)
    const { token, headers } = this.manner
    const instead = this.manner.instead.shift()
    if (instead) {
      response.writeHead(instead.status, { ...headers, ...instead.headers })
      return void response.end(instead.body ?? '{"error":"RateExceeded"}')
    }
    if (authorization !== (token === null ? this.#basic : `Bearer ${token}`)) {
      return this.#send(response, 401, { error: 'InvalidAccessToken' })
    }
    this.#send(response, 200, this.#pageFor(searchParams))
  }

  get #basic(): string {
    const { user, password } = this.manner
    return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  }

  #answerToken(authorization: string, response: ServerResponse): void {
    this.tokens += 1
    if (authorization !== this.#basic) return this.#send(response, 401, { error: 'invalid_client' })
    const { token, expiresInS } = this.manner
    this.#send(response, 200, { access_token: token, expires_in: expiresInS })
  }

  #pageFor(query: URLSearchParams) {
    const nowMs = Date.now()
    const { pageSize, links } = this.manner
    const page = Number(query.get('part') ?? 0)
    const found = this.#found(query, nowMs)
    const from = page * pageSize
    const isMore = found.length > from + pageSize
    const starttime = encodeURIComponent(query.get('starttime') ?? '')
    const link = `/rfms/vehiclestatuses?starttime=${starttime}&part=${page + 1}`
    return {
      vehicleStatusResponse: { vehicleStatuses: found.slice(from, from + pageSize).map(statusOf) },
      moreDataAvailable: isMore,
      ...(isMore && links ? { moreDataAvailableLink: link } : {}),
      requestServerDateTime: new Date(nowMs).toISOString(),
    }
  }

  /** With links in the order of VINs, else by time. */
  #found(query: URLSearchParams, nowMs: number): readonly ServedStatus[] {
    const startMs = Date.parse(query.get('starttime') ?? '')
    const { links } = this.manner
    return this.statuses
      .filter(({ receivedMs }) => receivedMs >= startMs)
      .filter(({ shownFromMs = 0 }) => shownFromMs <= nowMs)
      .toSorted((a, b) => (links ? a.vin.localeCompare(b.vin) : a.receivedMs - b.receivedMs))
  }

  #send(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json', ...this.manner.headers })
    response.end(JSON.stringify(body))
  }
}

function statusOf({ vin, receivedMs, createdMs }: ServedStatus) {
  return {
    vin,
    triggerType: { triggerType: 'TIMER', context: 'RFMS' },
    createdDateTime: new Date(createdMs).toISOString(),
    receivedDateTime: new Date(receivedMs).toISOString(),
    hrTotalVehicleDistance: 400_669_415,
    snapshotData: { wheelBasedSpeed: 54.5 },
  }
}
