import { nsToMs } from '#lib/runtime/clock.ts'
import type { ClockSample } from '#lib/telemetry/intake.ts'
import { fieldsOf, isObject, kindOf, textOf, type Fault } from './json-requests.ts'

/** What the platform knows of a request it has answered, until the device tells its t4. */
export type ClockExchange = Omit<ClockSample, 't4'>

export interface ClockRequest {
  readonly id: string | number
  /** As the device wrote it, and in ns. */
  readonly t1: string | number
  readonly t1Ns: bigint
  readonly previous: { readonly id: string | number; readonly t4Ns: bigint } | null
}

/** Answered requests remembered per connection; a device asks one at a time. */
const REMEMBERED = 8
const LONGEST_ID = 64

export function readClockRequest(payload: Uint8Array): ClockRequest | Fault {
  const fields = fieldsOf(textOf(payload) ?? '')
  if (!fields) return { path: '', expected: 'a JSON object in UTF-8', got: 'other bytes' }
  const { id, t1, prev } = fields
  if (!isId(id)) {
    const expected = `a number, or a string of at most ${LONGEST_ID} characters`
    return { path: 'id', expected, got: kindOf(id) }
  }
  const t1Ns = timeOf(t1)
  if (t1Ns === null || !isTime(t1)) return { path: 't1', expected: TIME, got: kindOf(t1) }
  if (prev === undefined || prev === null) return { id, t1, t1Ns, previous: null }
  if (!isObject(prev) || !isId(prev['id'])) {
    return { path: 'prev.id', expected: 'the id of the request before', got: kindOf(prev) }
  }
  const t4Ns = timeOf(prev['t4'])
  if (t4Ns === null) return { path: 'prev.t4', expected: TIME, got: kindOf(prev['t4']) }
  return { id, t1, t1Ns, previous: { id: prev['id'], t4Ns } }
}

/**
 * The answer, with t3 taken last. Times are written as the device wrote its t1: a string of ns, or a
 * number of ms with three decimals.
 */
export function clockAnswer({ id, t1 }: ClockRequest, t2Ns: bigint, t3Ns: bigint): string {
  const [t2, t3] = typeof t1 === 'string' ? [String(t2Ns), String(t3Ns)] : [t2Ns, t3Ns].map(nsToMs)
  return JSON.stringify({ id, t1, t2, t3 })
}

/** Remembers an exchange under its device: a gateway asks for several. */
export function rememberExchange(
  exchanges: Map<string, ClockExchange>,
  key: string,
  exchange: ClockExchange,
): void {
  exchanges.delete(key)
  exchanges.set(key, exchange)
  const [oldest] = exchanges.keys()
  if (exchanges.size > REMEMBERED && oldest !== undefined) exchanges.delete(oldest)
}

/**
 * The whole sample of an earlier exchange; null when it is not known, or when it says that the answer
 * arrived before the request was sent.
 */
export function completeExchange(
  exchanges: Map<string, ClockExchange> | null,
  key: string,
  t4: bigint,
): ClockSample | null {
  const exchange = exchanges?.get(key)
  if (!exchange || !exchanges) return null
  exchanges.delete(key)
  return t4 >= exchange.t1 ? { ...exchange, t4 } : null
}

const TIME = 'Unix time: ms as a number, or ns as a string'
/** Of 64 bits, as the journal keeps times. */
const LAST_NS = 2n ** 63n - 1n
const NS_PER_MS = 1_000_000

function isTime(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function timeOf(value: unknown): bigint | null {
  if (typeof value === 'string') {
    const ns = /^\d{1,19}$/.test(value) ? BigInt(value) : null
    return ns !== null && ns <= LAST_NS ? ns : null
  }
  if (typeof value !== 'number' || !(value >= 0 && value <= Number(LAST_NS / 1_000_000n))) {
    return null
  }
  // Whole and broken milliseconds apart: their product would lose the last digits.
  const wholeMs = Math.trunc(value)
  return BigInt(wholeMs) * 1_000_000n + BigInt(Math.round((value - wholeMs) * NS_PER_MS))
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' ? value.length <= LONGEST_ID : Number.isFinite(value)
}
