import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { isAllowed, rolesWith, type Caller, type Permission } from '#lib/access/policy.ts'
import type { Api } from '../api.ts'
import { Problem } from '../replies/problem.ts'
import { isForeignOrigin, sessionCookieOf } from './session-cookie.ts'

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])
const CHALLENGE = { 'www-authenticate': 'Bearer realm="padborg"' }
const WRONG_KEY = { 'www-authenticate': 'Bearer realm="padborg", error="invalid_token"' }

/** The key with this text, or null; the local token counts as an admin key. */
export function keyOf(api: Pick<Api, 'registry' | 'options'>, text: string): Caller['key'] | null {
  const { localToken } = api.options
  if (localToken !== null && isSameText(localToken, text)) {
    return { id: 'local', role: 'admin', tenant: null, name: 'tools of this machine' }
  }
  return api.registry.keys.authenticate(text)
}

/** The caller of a request, if the permission is his: every route that is not public calls this. */
export function admit(api: Api, request: FastifyRequest, permission: Permission): Caller | Problem {
  const caller = identify(api, request)
  if (caller instanceof Problem || isAllowed(caller, permission)) return caller
  const roles = rolesWith(permission).join(', ')
  return new Problem(
    403,
    `expected a key of role ${roles} (permission ${permission}), got role ${caller.key.role}; ` +
      'ask an admin for another key',
  )
}

function identify(api: Api, request: FastifyRequest): Caller | Problem {
  const { authorization } = request.headers
  if (authorization !== undefined) return bearer(api, authorization)
  const sessionId = sessionCookieOf(request)
  if (sessionId === null) {
    const detail =
      'expected `Authorization: Bearer <key>` or a session cookie, got neither; add one'
    return new Problem(401, detail, { headers: CHALLENGE })
  }
  const session = api.sessions.get(sessionId)
  if (!session) {
    const detail = 'expected a running session, got one that has ended; sign in again'
    return new Problem(401, detail, { headers: CHALLENGE })
  }
  // A browser sends the cookie by itself, so a foreign page must not be able to act with it.
  if (!SAFE_METHODS.has(request.method) && isForeignOrigin(request.headers)) {
    const detail =
      'expected a request of a page of this platform, got one of another origin; ' +
      'use a bearer key from elsewhere'
    return new Problem(403, detail)
  }
  return { key: session.key, sessionId }
}

function bearer(api: Api, authorization: string): Caller | Problem {
  const [, text] = /^Bearer +(\S+) *$/i.exec(authorization) ?? []
  const key = text === undefined ? null : keyOf(api, text)
  if (key) return { key, sessionId: null }
  const detail =
    text === undefined
      ? 'expected `Authorization: Bearer <key>`, got another scheme; send a key of this platform'
      : 'expected a key of this platform, got one it does not know; check it, or ask for a new one'
  return new Problem(401, detail, { headers: WRONG_KEY })
}

function isSameText(one: string, other: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(one), hash(other))
}
