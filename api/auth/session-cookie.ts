import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'

export const SESSION_COOKIE = 'padborg_session'

export function sessionCookieOf({ cookies }: FastifyRequest): string | null {
  // An empty cookie is what signing out leaves in some browsers.
  return cookies[SESSION_COOKIE] || null
}

const ATTRIBUTES = { path: '/', httpOnly: true, sameSite: 'strict' } as const

/** `Secure` where the browser says that the page came over TLS; a proxy may hide it from us. */
export function sessionAttributes(maxAgeS: number, headers: IncomingHttpHeaders) {
  const secure = headers.origin?.startsWith('https://') ?? false
  return { ...ATTRIBUTES, maxAge: Math.floor(maxAgeS), secure }
}

export const ENDED_ATTRIBUTES = { ...ATTRIBUTES, maxAge: 0 }

/**
 * Whether a browser says that the request comes from a page of another origin. Browsers set
 * Sec-Fetch-Site or at least Origin on every unsafe request across origins and pages cannot change
 * them; a request with neither is not from a page.
 */
export function isForeignOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const { origin, host } = headers
  if (origin === undefined) return false
  // A proxy may terminate TLS: the host decides, the scheme cannot be known.
  return !URL.canParse(origin) || new URL(origin).host !== host
}
