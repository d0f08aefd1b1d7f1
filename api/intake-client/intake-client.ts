import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PlatformError, isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import { decodeError } from '#lib/runtime/encoding/error-codec.ts'
import { PATHS } from '#lib/runtime/network/internal-http.ts'
import { decodeJson, encodeJson } from '#lib/runtime/encoding/bigint-json.ts'
import type { ReadingsFile, ReadingsFileScan } from '#lib/store/scans.ts'

export interface IntakeClientOptions {
  /** Without a path. */
  readonly url: string
  readonly secret: string
}

/** HTTP requests to one intake. Throws what the intake threw, INGEST_REFUSED or INGEST_UNREACHABLE. */
export class IntakeClient {
  readonly #url: string
  readonly #secret: string

  constructor({ url, secret }: IntakeClientOptions) {
    this.#url = url
    this.#secret = secret
  }

  post(path: string, value: unknown, signal: AbortSignal): Promise<unknown> {
    return this.#exchange({ method: 'POST', path, value, signal })
  }

  put(path: string, value: unknown, signal: AbortSignal): Promise<unknown> {
    return this.#exchange({ method: 'PUT', path, value, signal })
  }

  /** Downloads the result of a scan to a file of this machine. */
  async fetchFile(
    scan: ReadingsFileScan,
    file: string,
    signal: AbortSignal,
  ): Promise<ReadingsFile> {
    const path = PATHS.readingsFile
    const response = await this.#send({ method: 'POST', path, value: scan, signal })
    try {
      await pipeline(Readable.fromWeb(bodyOf(response)), createWriteStream(file, { mode: 0o600 }))
    } catch (error) {
      await rm(file, { force: true })
      throw explained(this.#url, error, signal)
    }
    const { headers } = response
    const rows = Number(headers.get('x-rows'))
    return { path: file, rows, bytes: Number(headers.get('content-length')) }
  }

  /** The bytes of the response as they arrive. */
  async openStream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return bodyOf(await this.#send({ method: 'POST', path, value: null, signal }))
  }

  async #exchange(request: IntakeRequest): Promise<unknown> {
    const response = await this.#send(request)
    try {
      return decodeJson(await response.text())
    } catch (error) {
      throw explained(this.#url, error, request.signal)
    }
  }

  async #send({ method, path, value, signal }: IntakeRequest): Promise<Response> {
    const url = this.#url
    const headers = {
      authorization: `Bearer ${this.#secret}`,
      'content-type': 'application/json',
    }
    try {
      const response = await fetch(url + path, { method, headers, body: encodeJson(value), signal })
      if (response.ok) return response
      throw await failureOf(url, response)
    } catch (error) {
      throw explained(url, error, signal)
    }
  }
}

interface IntakeRequest {
  readonly method: 'POST' | 'PUT'
  readonly path: string
  readonly value: unknown
  readonly signal: AbortSignal
}

/** The error that the intake sent, if it is an intake of ours. */
async function failureOf(url: string, response: Response): Promise<Error> {
  const text = await response.text()
  if (response.headers.get('content-type')?.includes('json')) {
    const error = decodeError(decodeJson(text))
    if (!isPlatformError(error, 'INGEST_REFUSED')) return error
    const todo = 'give both processes the same PADBORG_INGEST_SECRET'
    return new PlatformError('INGEST_REFUSED', `${url}: ${error.message}; ${todo}`)
  }
  return unreachable(url, `HTTP ${response.status}, not an intake`)
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (response.body) return response.body
  throw new Error('a response of the intake has no body')
}

/** Errors with a code and cancelled calls stay as they are; all others come from the network. */
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
    `${url}: expected the intake to reply, got ${got}; start it with PADBORG_INGEST_PORT, or ` +
      'correct PADBORG_INGEST_URL',
    { cause },
  )
}
