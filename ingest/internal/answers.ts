import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PlatformError, isPlatformError } from '#lib/runtime/errors.ts'
import { encodeError } from '#lib/runtime/error-codec.ts'
import { MAX_LINE_BYTES, PATHS } from '#lib/runtime/network/internal-http.ts'
import { decodeJson, encodeJson } from '#lib/runtime/bigint-json.ts'
import { callPort } from '#lib/queries/port.ts'
import type { LiveInterest } from '#lib/telemetry/live.ts'
import type { ReadingsFileScan } from '#lib/store/scans.ts'
import { createLiveStreams } from './live-streams.ts'
import type { InternalDeps } from './internal-deps.ts'

export interface InternalAnswers {
  answer(path: string, request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Ends the live streams and cancels what is being asked. */
  close(): void
}

/**
 * Answers those who know the secret. They are processes of ours: what they send is taken as they
 * mean it, once it can be read.
 */
export function createInternalAnswers(deps: InternalDeps): InternalAnswers {
  const streams = createLiveStreams(deps)
  const closing = new AbortController()

  return {
    async answer(path, request, response) {
      const { method } = request
      if (method === 'POST' && path.startsWith(PATHS.ask)) {
        return await ask(path.slice(PATHS.ask.length), request, response)
      }
      if (method === 'POST' && path === PATHS.readingsFile) return await file(request, response)
      if (method === 'POST' && path === PATHS.live) return await streams.open(response)
      if (method === 'PUT' && path === PATHS.live) return await want(request, response)
      if (method === 'POST' && path === PATHS.backup) return await backup(request, response)
      response.statusCode = 404
      sendError(response, new Error(`expected an internal address, got ${method} ${path}`))
    },
    close() {
      closing.abort(new PlatformError('CLOSED', 'the intake stops'))
      streams.close()
    },
  }

  async function ask(
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const argument = await valueOf(request)
    const result = await callPort(deps.port, name, argument, departure(response))
    sendText(response, encodeJson(result))
  }

  async function want(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stream = new URLSearchParams(request.url?.split('?')[1]).get('stream') ?? ''
    const interests = (await valueOf(request)) as readonly LiveInterest[]
    sendText(response, encodeJson({ from: await streams.want(stream, interests) }))
  }

  async function file(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const scan = (await valueOf(request)) as ReadingsFileScan
    const made = await deps.port.readingsFile(scan, departure(response))
    try {
      response.setHeader('x-rows', made.rows)
      response.setHeader('content-length', made.bytes)
      await sendStream(createReadStream(made.path), response)
    } finally {
      await rm(made.path, { force: true })
    }
  }

  async function backup(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    await sendStream(await deps.backups.begin(), response)
  }

  /** Aborted when nobody waits for the answer any more, or the intake stops. */
  function departure(response: ServerResponse): AbortSignal {
    const left = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) left.abort(new PlatformError('CLOSED', 'the asker has left'))
    })
    return AbortSignal.any([left.signal, closing.signal])
  }
}

/** The answer when something failed; where one is under way already, it is cut off. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  if (response.statusCode < 400) response.statusCode = statusOf(error)
  response.removeHeader('content-length')
  sendText(response, encodeJson(encodeError(error)))
}

function statusOf(error: unknown): number {
  if (isPlatformError(error, 'INGEST_REFUSED')) return 401
  return error instanceof PlatformError ? 503 : 500
}

/** What fails on the way cuts the answer off: the other end sees that it is not whole. */
async function sendStream(stream: Readable, response: ServerResponse): Promise<void> {
  response.setHeader('content-type', 'application/octet-stream')
  await pipeline(stream, response)
}

function sendText(response: ServerResponse, text: string): void {
  response.setHeader('content-type', 'application/json')
  response.end(text)
}

async function valueOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  // An HTTP request without an encoding gives buffers.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > MAX_LINE_BYTES)
      throw new Error(`expected at most ${MAX_LINE_BYTES} bytes, got more`)
    chunks.push(chunk)
  }
  return decodeJson(Buffer.concat(chunks).toString())
}
