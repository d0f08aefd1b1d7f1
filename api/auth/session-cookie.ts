import type { IncomingHttpHeaders } from 'node:http'

const NAME = 'padborg_session'

export function sessionCookieOf(header: string | undefined): string | null {
  for (const part of header?.split(';') ?? []) {
    const [name, value] = part.trim().split('=', 2)
    if (name === NAME && value) return value
  }
  return null
}

/** `Secure` where the page came over TLS: the proxy in front of us is not asked, the browser is. */
export function setCookie(id: string, maxAgeS: number, headers: IncomingHttpHeaders): string {
  const secure = headers.origin?.startsWith('https://') ? '; Secure' : ''
  return `${NAME}=${id}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(maxAgeS)}${secure}`
}

export function clearCookie(): string {
  return `${NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`
}

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
  // A proxy for TLS may stand before us: the host decides, the scheme cannot be known.
  return !URL.canParse(origin) || new URL(origin).host !== host
}
