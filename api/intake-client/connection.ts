import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PlatformError, isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import { decodeError } from '#lib/runtime/encoding/error-codec.ts'
import { PATHS } from '#lib/runtime/network/internal-http.ts'
import { decodeJson, encodeJson } from '#lib/runtime/encoding/bigint-json.ts'
import type { ReadingsFile, ReadingsFileScan } from '#lib/store/scans.ts'

export interface ConnectionOptions {
  /** Without a path. */
  readonly url: string
  readonly secret: string
}

/** Requests to one intake. Throws what the intake threw, INGEST_REFUSED or INGEST_UNREACHABLE. */
export interface Connection {
  ask(path: string, value: unknown, signal: AbortSignal): Promise<unknown>
  put(path: string, value: unknown, signal: AbortSignal): Promise<unknown>
  /** Fetches the file of an answer to a path on this machine. */
  fetchFile(scan: ReadingsFileScan, path: string, signal: AbortSignal): Promise<ReadingsFile>
  /** Bytes as they come. */
  open(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>
}

export function createConnection({ url, secret }: ConnectionOptions): Connection {
  return {
    ask: (path, value, signal) => exchange('POST', path, value, signal),
    put: (path, value, signal) => exchange('PUT', path, value, signal),
    async fetchFile(scan, path, signal) {
      const response = await send('POST', PATHS.readingsFile, scan, signal)
      try {
        await pipeline(Readable.fromWeb(bodyOf(response)), createWriteStream(path, { mode: 0o600 }))
      } catch (error) {
        await rm(path, { force: true })
        throw explained(url, error, signal)
      }
      const { headers } = response
      const rows = Number(headers.get('x-rows'))
      return { path, rows, bytes: Number(headers.get('content-length')) }
    },
    async open(path, signal) {
      return bodyOf(await send('POST', path, null, signal))
    },
  }

  async function exchange(
    method: string,
    path: string,
    value: unknown,
    signal: AbortSignal,
  ): Promise<unknown> {
    const response = await send(method, path, value, signal)
    try {
      return decodeJson(await response.text())
    } catch (error) {
      throw explained(url, error, signal)
    }
  }

  async function send(
    method: string,
    path: string,
    value: unknown,
    signal: AbortSignal,
  ): Promise<Response> {
    try {
      const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }
      const response = await fetch(url + path, { method, headers, body: encodeJson(value), signal })
      if (response.ok) return response
      throw await failureOf(response)
    } catch (error) {
      throw explained(url, error, signal)
    }
  }

  /** What the other end says, where it is an intake of ours. */
  async function failureOf(response: Response): Promise<Error> {
    const text = await response.text()
    if (response.headers.get('content-type')?.includes('json')) {
      const error = decodeError(decodeJson(text))
      if (!isPlatformError(error, 'INGEST_REFUSED')) return error
      const todo = 'give both processes the same PADBORG_INGEST_SECRET'
      return new PlatformError('INGEST_REFUSED', `${url}: ${error.message}; ${todo}`)
    }
    return unreachable(url, `HTTP ${response.status}, not an intake`)
  }
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (response.body) return response.body
  throw new Error('an answer of the intake has no body')
}

/** Errors with a code and cancelled calls as they are; all else is the network. */
function explained(url: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (!(error instanceof Error) || isPlatformError(error)) return error
  // Fetch and streams throw TypeError for the network; the reason is its cause.
  const isNetwork = error instanceof TypeError || 'code' in error || error instanceof SyntaxError
  if (!isNetwork) return error
  return unreachable(url, messageOf(reasonOf(error)), error)
}

function reasonOf({ cause, ...error }: Error): unknown {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors[0]
  return cause ?? error
}

export function unreachable(url: string, got: string, cause?: unknown): PlatformError {
  return new PlatformError(
    'INGEST_UNREACHABLE',
    `${url}: expected the intake to answer, got ${got}; start it with PADBORG_INGEST_PORT, or ` +
      'correct PADBORG_INGEST_URL',
    { cause },
  )
}
