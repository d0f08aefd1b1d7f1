import { Agent, request } from 'node:http'
import type { Place } from './place.ts'

const agent = new Agent({ keepAlive: true, maxSockets: 1000 })

export interface HttpRequest {
  readonly key?: string
  readonly method?: string
  readonly body?: unknown
  readonly accept?: string
  /** Leaves before the answer has come. */
  readonly leave?: boolean
}

/** The status of an answer, read to its end and thrown away. */
export function httpStatus(
  { httpPort }: Place,
  path: string,
  { key, method, body, accept, leave = false }: HttpRequest,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        agent: leave ? false : agent,
        port: httpPort,
        host: '127.0.0.1',
        path: path.startsWith('/api') || path === '/openapi.json' ? path : `/api/v1${path}`,
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(accept === undefined ? {} : { accept }),
        },
        signal,
      },
      (response) => {
        response.resume()
        response.once('error', reject)
        response.once('end', () => resolve(response.statusCode ?? 0))
      },
    )
    outgoing.once('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
    if (leave) outgoing.once('finish', () => setImmediate(() => outgoing.destroy()))
  })
}

export function taken(status: number): 'taken' | 'refused' {
  return status < 400 ? 'taken' : 'refused'
}
