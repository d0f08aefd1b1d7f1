import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A vehicle status that the server has received. */
export interface ServedStatus {
  readonly vin: string
  readonly receivedMs: number
  /** When the vehicle made it: tells the statuses of a test apart. */
  readonly createdMs: number
  /** The server shows it only to questions asked at or after that time. */
  readonly shownFromMs?: number
}

/** How an rFMS server of a maker differs from another; may be changed while it runs. */
export interface ServerManner {
  pageSize: number
  /** Names the next part by a link, in the order of VINs; else by time. */
  links: boolean
  user: string
  password: string
  /** Basic, or the OAuth 2 token that it gives out. */
  token: string | null
  expiresInS: number
  /** Answers to give instead, one question each. */
  instead: { readonly status: number; readonly headers?: Record<string, string>; body?: string }[]
  /** Of every answer. */
  headers: Record<string, string>
}

export interface TestServer {
  readonly url: string
  readonly tokenUrl: string
  readonly manner: ServerManner
  readonly statuses: ServedStatus[]
  /** Queries of `/vehiclestatuses`, in their order. */
  readonly asked: URLSearchParams[]
  readonly atMs: number[]
  readonly accepts: string[]
  tokens: number
  close(): Promise<void>
}

/** A real HTTP server that answers as the rFMS 4.0 OpenAPI document describes (way-platform/rfms-go). */
export async function startRfmsServer(manner: Partial<ServerManner> = {}): Promise<TestServer> {
  const server = createServer((request, response) => {
    request.resume()
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const self: TestServer = {
    url: `http://127.0.0.1:${port}/customer/rfms`,
    tokenUrl: `http://127.0.0.1:${port}/token`,
    manner: {
      pageSize: 1000,
      links: false,
      user: 'padborg',
      password: 'geheim: 1%',
      token: null,
      expiresInS: 3600,
      instead: [],
      headers: {},
      ...manner,
    },
    statuses: [],
    asked: [],
    atMs: [],
    accepts: [],
    tokens: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return self

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const { token, user, password, headers } = self.manner
    const { pathname, searchParams } = new URL(request.url ?? '', self.url)
    const basic = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    const given = request.headers.authorization
    if (pathname === '/token') {
      self.tokens += 1
      if (given !== basic) return send(response, 401, { error: 'invalid_client' })
      const body = { access_token: token, expires_in: self.manner.expiresInS }
      return send(response, 200, body)
    }
    if (pathname !== '/customer/rfms/vehiclestatuses') return send(response, 404, {})
    self.asked.push(searchParams)
    self.atMs.push(performance.now())
    self.accepts.push(request.headers.accept ?? '')
    const instead = self.manner.instead.shift()
    if (instead) {
      response.writeHead(instead.status, { ...headers, ...instead.headers })
      return void response.end(instead.body ?? '{"error":"RateExceeded"}')
    }
    if (given !== (token === null ? basic : `Bearer ${token}`)) {
      return send(response, 401, { error: 'InvalidAccessToken' })
    }
    send(response, 200, pageFor(searchParams))
  }

  function pageFor(query: URLSearchParams) {
    const nowMs = Date.now()
    const startMs = Date.parse(query.get('starttime') ?? '')
    const { pageSize, links } = self.manner
    const found = self.statuses
      .filter(({ receivedMs }) => receivedMs >= startMs)
      .filter(({ shownFromMs = 0 }) => shownFromMs <= nowMs)
      .toSorted((a, b) => (links ? a.vin.localeCompare(b.vin) : a.receivedMs - b.receivedMs))
    const from = Number(query.get('part') ?? 0) * pageSize
    const isMore = found.length > from + pageSize
    const part = Number(query.get('part') ?? 0) + 1
    const starttime = encodeURIComponent(query.get('starttime') ?? '')
    const link = `/rfms/vehiclestatuses?starttime=${starttime}&part=${part}`
    return {
      vehicleStatusResponse: { vehicleStatuses: found.slice(from, from + pageSize).map(statusOf) },
      moreDataAvailable: isMore,
      ...(isMore && links ? { moreDataAvailableLink: link } : {}),
      requestServerDateTime: new Date(nowMs).toISOString(),
    }
  }

  function send(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json', ...self.manner.headers })
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
