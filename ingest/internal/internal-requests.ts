import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { callPort } from '#lib/queries/port.ts'
import { decodeJson } from '#lib/runtime/encoding/bigint-json.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { MAX_LINE_BYTES, PATHS } from '#lib/runtime/network/internal-http.ts'
import type { ReadingsFileScan } from '#lib/store/scans.ts'
import type { LiveInterest } from '#lib/telemetry/live.ts'
import type { InternalDeps } from './internal-deps.ts'
import { LiveStreams } from './live-streams.ts'
import { sendError, sendStream, sendValue } from './replies.ts'

/**
 * Requests of those who know the secret. They are processes of ours: what they send is taken as they
 * mean it, once it can be read.
 */
export class InternalRequests {
  readonly #deps: InternalDeps
  readonly #streams: LiveStreams
  readonly #closing = new AbortController()

  constructor(deps: InternalDeps) {
    this.#deps = deps
    this.#streams = new LiveStreams(deps)
  }

  async handle(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method } = request
    if (method === 'POST' && path.startsWith(PATHS.query)) {
      return await this.#call(path.slice(PATHS.query.length), request, response)
    }
    if (method === 'POST' && path === PATHS.readingsFile) return await this.#file(request, response)
    if (method === 'POST' && path === PATHS.live) return await this.#streams.open(response)
    if (method === 'PUT' && path === PATHS.live) return await this.#want(request, response)
    if (method === 'POST' && path === PATHS.backup) return await this.#backup(request, response)
    response.statusCode = 404
    sendError(response, new Error(`expected an internal address, got ${method} ${path}`))
  }

  /** Ends the live streams and cancels the calls under way. */
  close(): void {
    this.#closing.abort(new PlatformError('CLOSED', 'the intake stops'))
    this.#streams.close()
  }

  async #call(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const argument = await valueOf(request, response)
    const signal = this.#departure(response)
    sendValue(response, await callPort(this.#deps.port, name, argument, signal))
  }

  async #want(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stream = new URLSearchParams(request.url?.split('?')[1]).get('stream') ?? ''
    const interests = (await valueOf(request, response)) as readonly LiveInterest[]
    sendValue(response, { from: await this.#streams.want(stream, interests) })
  }

  async #file(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const scan = (await valueOf(request, response)) as ReadingsFileScan
    const file = await this.#deps.port.readingsFile(scan, this.#departure(response))
    try {
      response.setHeader('x-rows', file.rows)
      response.setHeader('content-length', file.bytes)
      await sendStream(createReadStream(file.path), response)
    } finally {
      await rm(file.path, { force: true })
    }
  }

  async #backup(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    await sendStream(await this.#deps.backups.begin(), response)
  }

  /** Aborted when nobody waits for the response any more, or the intake stops. */
  #departure(response: ServerResponse): AbortSignal {
    const left = new AbortController()
    response.once('close', () => {
      if (response.writableFinished) return
      left.abort(new PlatformError('CLOSED', 'the caller has left'))
    })
    return AbortSignal.any([left.signal, this.#closing.signal])
  }
}

/** What cannot be read is a fault of the sender, and the status says so. */
async function valueOf(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  // An HTTP request without an encoding gives buffers.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > MAX_LINE_BYTES) {
      response.statusCode = 413
      throw new Error(`expected at most ${MAX_LINE_BYTES} bytes, got more`)
    }
    chunks.push(chunk)
  }
  try {
    return decodeJson(Buffer.concat(chunks).toString())
  } catch (error) {
    response.statusCode = 400
    throw error
  }
}
