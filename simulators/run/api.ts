import { z } from 'zod'
import { RefusedError } from '#lib/runtime/command.ts'
import { messageOf } from '#lib/runtime/errors.ts'

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** The HTTP API of a platform, as any script uses it. */
export interface Api {
  /** Throws `RefusedError` for 401, 403 and 5xx; every other answer is returned. */
  request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<Answer>
  /** Every page of a list. */
  list<T>(path: string, row: z.ZodType<T>): Promise<T[]>
}

export interface ApiOptions {
  /** For example http://127.0.0.1:8080. */
  readonly url: string
  readonly key: string
}

const PAGE = 1000
const TIMEOUT_MS = 60_000

export function createApi({ url, key }: ApiOptions): Api {
  const base = `${url.replace(/\/+$/, '')}/api/v1`
  return { request, list }

  async function request(method: string, path: string, body?: object): Promise<Answer> {
    const response = await send(method, path, body)
    const text = await response.text()
    const { status } = response
    if (status === 401 || status === 403 || status >= 500) {
      throw new RefusedError(`${method} ${base}${path}: answered ${status}, ${text.slice(0, 300)}`)
    }
    return { status, body: text === '' ? null : JSON.parse(text) }
  }

  async function send(method: string, path: string, body?: object): Promise<Response> {
    try {
      return await fetch(`${base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body ? { 'content-type': 'application/json' } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
    } catch (error) {
      throw new RefusedError(
        `${base}: expected a platform there, got: ${messageOf(error)}; start it, or give its --api`,
        { cause: error },
      )
    }
  }

  async function list<T>(path: string, row: z.ZodType<T>): Promise<T[]> {
    const page = z.object({ data: z.array(row), next: z.string().nullable() })
    const rows: T[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const joint = path.includes('?') ? '&' : '?'
      const next: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const answer = await request('GET', `${path}${joint}limit=${PAGE}${next}`)
      const { data, next: following } = page.parse(requireStatus(answer, 200, path))
      rows.push(...data)
      cursor = following
    }
    return rows
  }
}

/** The body of an answer of this status; throws `RefusedError` for another. */
export function requireStatus({ status, body }: Answer, expected: number, what: string): unknown {
  if (status === expected) return body
  const got = `${status} ${JSON.stringify(body).slice(0, 300)}`
  throw new RefusedError(`${what}: expected ${expected}, got ${got}`)
}
