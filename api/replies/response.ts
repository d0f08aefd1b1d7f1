import type { Readable } from 'node:stream'
import { type Columns, type Locale, csvOf } from './csv.ts'

/** The response of a route before it is encoded. */
export class ApiResponse {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>> | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    body: ApiResponse['body'],
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.status = status
    this.body = body
    this.headers = headers
  }
}

/** A list or series: as JSON the whole of it, as CSV its rows. */
export class ListResponse extends ApiResponse {
  readonly next: string | null
  readonly csv: (locale: Locale) => string

  constructor(
    body: Readonly<Record<string, unknown>>,
    next: string | null,
    csv: ListResponse['csv'],
  ) {
    super(200, body)
    this.next = next
    this.csv = csv
  }
}

/** Bytes that are sent as they arrive. */
export class StreamResponse extends ApiResponse {
  readonly stream: Readable
  readonly type: string

  constructor(stream: Readable, type: string, headers: Readonly<Record<string, string>> = {}) {
    super(200, null, headers)
    this.stream = stream
    this.type = type
  }
}

export function ok(body: object): ApiResponse {
  return new ApiResponse(200, { ...body })
}

export function created(body: object, headers: Readonly<Record<string, string>> = {}): ApiResponse {
  return new ApiResponse(201, { ...body }, headers)
}

export function nothing(headers: Readonly<Record<string, string>> = {}): ApiResponse {
  return new ApiResponse(204, null, headers)
}

export interface Listed<T> {
  readonly data: readonly T[]
  readonly next: string | null
  /** Series only: unit, aggregation, coverage. */
  readonly meta?: object
}

export function list<T>({ data, next, meta }: Listed<T>, columns: Columns<T>): ListResponse {
  const body = { data, next, ...(meta === undefined ? {} : { meta }) }
  return new ListResponse(body, next, (locale) => csvOf(columns, data, locale))
}
