import type { Readable } from 'node:stream'
import { type Columns, type Locale, csvOf } from './csv.ts'

/** What a route found out, still without a form. */
export class Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>> | null
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    body: Answer['body'],
    headers: Readonly<Record<string, string>> = {},
  ) {
    this.status = status
    this.body = body
    this.headers = headers
  }
}

/** A list or series: as JSON the whole of it, as CSV its rows. */
export class ListAnswer extends Answer {
  readonly next: string | null
  readonly csv: (locale: Locale) => string

  constructor(
    body: Readonly<Record<string, unknown>>,
    next: string | null,
    csv: ListAnswer['csv'],
  ) {
    super(200, body)
    this.next = next
    this.csv = csv
  }
}

/** Bytes that are sent as they come. */
export class StreamAnswer extends Answer {
  readonly stream: Readable
  readonly type: string

  constructor(stream: Readable, type: string, headers: Readonly<Record<string, string>> = {}) {
    super(200, null, headers)
    this.stream = stream
    this.type = type
  }
}

export function ok(body: object): Answer {
  return new Answer(200, { ...body })
}

export function created(body: object, headers: Readonly<Record<string, string>> = {}): Answer {
  return new Answer(201, { ...body }, headers)
}

export function nothing(headers: Readonly<Record<string, string>> = {}): Answer {
  return new Answer(204, null, headers)
}

export interface Listed<T> {
  readonly data: readonly T[]
  readonly next: string | null
  /** Series only: unit, aggregation, coverage. */
  readonly meta?: object
}

export function list<T>({ data, next, meta }: Listed<T>, columns: Columns<T>): ListAnswer {
  const body = { data, next, ...(meta === undefined ? {} : { meta }) }
  return new ListAnswer(body, next, (locale) => csvOf(columns, data, locale))
}
