import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { encodeJson } from '#lib/runtime/encoding/bigint-json.ts'
import { encodeError } from '#lib/runtime/encoding/error-codec.ts'
import { PlatformError, isPlatformError } from '#lib/runtime/errors.ts'

export function sendValue(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json')
  response.end(encodeJson(value))
}

/** What fails on the way cuts the response off: the other end sees that it is not whole. */
export async function sendStream(stream: Readable, response: ServerResponse): Promise<void> {
  response.setHeader('content-type', 'application/octet-stream')
  await pipeline(stream, response)
}

/** The response when something failed; one that has begun is cut off. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  if (response.statusCode < 400) response.statusCode = statusOf(error)
  response.removeHeader('content-length')
  sendValue(response, encodeError(error))
}

function statusOf(error: unknown): number {
  if (isPlatformError(error, 'INGEST_REFUSED')) return 401
  return error instanceof PlatformError ? 503 : 500
}
