/** The longest pause that a server can ask for. */
const MAX_MS = 3_600_000
/** Larger numbers are Unix seconds, and not a duration. */
const MIN_UNIX_S = 1_000_000_000

type Headers = Pick<globalThis.Headers, 'get'>

/** The pause that a refusing server asks for; null where it asks for none. */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get('retry-after')
  if (text === null) return resetMs(headers, nowMs)
  // RFC 9110, 10.2.3: whole seconds, or a date.
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? resetMs(headers, nowMs) : limited(ms)
}

/** How long to wait when this request was the last one allowed; else 0. */
export function exhaustedMs(headers: Headers, nowMs: number): number {
  const remaining = headers.get('x-rate-limit-remaining') ?? headers.get('x-ratelimit-remaining')
  return remaining !== null && Number(remaining) === 0 ? (resetMs(headers, nowMs) ?? 0) : 0
}

function resetMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get('x-rate-limit-reset') ?? headers.get('x-ratelimit-reset')
  if (text === null || !/^\d+(?:\.\d+)?$/.test(text.trim())) return null
  const seconds = Number(text)
  return limited(seconds < MIN_UNIX_S ? seconds * 1000 : seconds * 1000 - nowMs)
}

function limited(ms: number): number {
  return Math.min(MAX_MS, Math.max(0, Math.ceil(ms)))
}
