/** Longest pause that a server can ask for. */
const LONGEST_MS = 3_600_000
/** Larger numbers are a moment, Unix seconds, and not a time to wait. */
const MOMENT_S = 1_000_000_000

type Headers = Pick<globalThis.Headers, 'get'>

/** How long a server that refuses wants to be left alone; null where it does not say. */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get('retry-after')
  if (text === null) return resetMs(headers, nowMs)
  // RFC 9110, 10.2.3: whole seconds, or a date.
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - nowMs
  return Number.isNaN(ms) ? resetMs(headers, nowMs) : limited(ms)
}

/** How long to wait before the next question because this one was the last allowed; else 0. */
export function exhaustedMs(headers: Headers, nowMs: number): number {
  const remaining = headers.get('x-rate-limit-remaining') ?? headers.get('x-ratelimit-remaining')
  return remaining !== null && Number(remaining) === 0 ? (resetMs(headers, nowMs) ?? 0) : 0
}

function resetMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get('x-rate-limit-reset') ?? headers.get('x-ratelimit-reset')
  if (text === null || !/^\d+(?:\.\d+)?$/.test(text.trim())) return null
  const seconds = Number(text)
  return limited(seconds < MOMENT_S ? seconds * 1000 : seconds * 1000 - nowMs)
}

function limited(ms: number): number {
  return Math.min(LONGEST_MS, Math.max(0, Math.ceil(ms)))
}
