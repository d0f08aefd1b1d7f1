import { HttpError } from '@influxdata/influxdb-client'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import { StatementError } from './response.ts'
import type { InfluxSettings } from '../settings.ts'

/** A server that cannot take a request now, and how long it asked to be left alone. */
export class StoreBusy extends PlatformError {
  readonly retryAfterMs: number
  /** No response came in time: a smaller request might be faster. */
  readonly isTimeout: boolean

  constructor(
    message: string,
    options: { cause?: unknown; retryAfterMs?: number; isTimeout?: boolean },
  ) {
    super('STORE_UNAVAILABLE', message, options)
    this.retryAfterMs = options.retryAfterMs ?? 0
    this.isTimeout = options.isTimeout ?? false
  }
}

/** What InfluxDB has against the content of a request: 400, 413 or 422. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
}

export interface Failed {
  readonly error: unknown
  /** Aborts when the request has taken too long. */
  readonly deadline: AbortSignal
  /** Aborts when the caller no longer wants it. */
  readonly signal: AbortSignal | undefined
}

/** Turns the failure of a request into an error that the caller can act on. */
export function explainFailure(
  { error, deadline, signal }: Failed,
  settings: InfluxSettings,
  clock: Clock,
): unknown {
  if (signal?.aborted) return signal.reason
  const { url, timeoutMs } = settings
  if (deadline.aborted) {
    const message = `expected InfluxDB at ${url} to answer within ${timeoutMs} ms (PADBORG_INFLUX_TIMEOUT_MS)`
    return new StoreBusy(`${message}, no response came`, { cause: error, isTimeout: true })
  }
  if (error instanceof PlatformError || error instanceof StatementError) return error
  if (error instanceof HttpError) return explainStatus(error, settings, clock)
  return new StoreBusy(
    `expected InfluxDB at ${url} to be reachable, got: ${messageOf(error)}; check INFLUX_URL and the server`,
    { cause: error },
  )
}

function explainStatus(error: HttpError, settings: InfluxSettings, clock: Clock): unknown {
  const { url, database } = settings
  const { statusCode } = error
  const reason = reasonOf(error)
  const got = `got ${statusCode}: ${reason}`
  if (statusCode === 400 || statusCode === 413 || statusCode === 422) {
    return new Refusal(reason, { cause: error })
  }
  if (statusCode === 401 || statusCode === 403) {
    return new PlatformError(
      'CONFIG_INVALID',
      `expected InfluxDB at ${url} to let us read and write ${database}, ${got}; ` +
        `check INFLUX_TOKEN, or INFLUX_USERNAME and INFLUX_PASSWORD`,
      { cause: error },
    )
  }
  if (statusCode === 404) {
    return new PlatformError(
      'CONFIG_INVALID',
      `expected a database or bucket ${database} on InfluxDB at ${url}, ${got}; ` +
        `create it, or check INFLUX_URL, INFLUX_DATABASE, INFLUX_BUCKET and INFLUX_ORG`,
      { cause: error },
    )
  }
  return new StoreBusy(`expected InfluxDB at ${url} to take the request, ${got}`, {
    cause: error,
    retryAfterMs: retryAfterMs(error.headers?.['retry-after'], clock),
  })
}

const MAX_REASON_LENGTH = 300

/** InfluxDB's own reason: 1.x calls it `error`, 2.x `message`. Its count of lines is often wrong. */
function reasonOf({ json, body, statusMessage }: HttpError): string {
  const given: unknown = json?.error ?? json?.message ?? body
  const reason = typeof given === 'string' ? given : (statusMessage ?? '')
  return reason
    .replace(/ dropped=\d+\s*$/, '')
    .trim()
    .slice(0, MAX_REASON_LENGTH)
}

/** RFC 9110, 10.2.3: seconds, or the date when to come again. */
function retryAfterMs(header: string | string[] | undefined, clock: Clock): number {
  const text = Array.isArray(header) ? header[0] : header
  if (!text) return 0
  const seconds = Number(text)
  const waitMs = Number.isFinite(seconds)
    ? seconds * 1000
    : Date.parse(text) - Number(clock.nowNs() / 1_000_000n)
  return waitMs > 0 ? waitMs : 0
}
