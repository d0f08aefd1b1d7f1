import type { ClockSample } from '../intake.ts'
import { fieldsOf, isObject, textOf, typeNameOf, type RequestFault } from './request-payload.ts'

export interface ClockRequest {
  readonly id: string | number
  /** As the device wrote it, and in ns. */
  readonly t1: string | number
  readonly t1Ns: bigint
  /** When the response to the request before this one arrived at the device. */
  readonly previous: { readonly id: string | number; readonly t4Ns: bigint } | null
}

const MAX_ID_LENGTH = 64

export function readClockRequest(payload: Uint8Array): ClockRequest | RequestFault {
  const fields = fieldsOf(textOf(payload) ?? '')
  if (!fields) return { path: '', expected: 'a JSON object in UTF-8', got: 'other bytes' }
  const { id, t1, prev } = fields
  if (!isId(id)) {
    const expected = `a number, or a string of at most ${MAX_ID_LENGTH} characters`
    return { path: 'id', expected, got: typeNameOf(id) }
  }
  const t1Ns = timeOf(t1)
  if (t1Ns === null || !isTime(t1)) return { path: 't1', expected: TIME, got: typeNameOf(t1) }
  if (prev === undefined || prev === null) return { id, t1, t1Ns, previous: null }
  if (!isObject(prev) || !isId(prev['id'])) {
    return { path: 'prev.id', expected: 'the id of the request before', got: typeNameOf(prev) }
  }
  const t4Ns = timeOf(prev['t4'])
  if (t4Ns === null) return { path: 'prev.t4', expected: TIME, got: typeNameOf(prev['t4']) }
  return { id, t1, t1Ns, previous: { id: prev['id'], t4Ns } }
}

/**
 * The response. Times are written as the device wrote its t1: a string of ns, or a number of ms with
 * three decimals.
 */
export function clockResponse({ id, t1 }: ClockRequest, t2Ns: bigint, t3Ns: bigint): string {
  const write = typeof t1 === 'string' ? String : msOf
  return JSON.stringify({ id, t1, t2: write(t2Ns), t3: write(t3Ns) })
}

function msOf(ns: bigint): number {
  return Number(ns / 1000n) / 1000
}

/** What is known of a request that was answered, until the device reports its t4. */
type ClockExchange = Omit<ClockSample, 't4'>

/** Exchanges remembered; a device has one request under way at a time. */
const MAX_EXCHANGES = 8

/** The last exchanges of one device or connection. */
export class ClockExchanges {
  readonly #byKey = new Map<string, ClockExchange>()

  remember(key: string, exchange: ClockExchange): void {
    this.#byKey.delete(key)
    this.#byKey.set(key, exchange)
    const [oldest] = this.#byKey.keys()
    if (this.#byKey.size > MAX_EXCHANGES && oldest !== undefined) this.#byKey.delete(oldest)
  }

  /**
   * The whole sample of an earlier exchange; null when the exchange is not known, or when the
   * response would have arrived before the request was sent.
   */
  complete(key: string, t4: bigint): ClockSample | null {
    const exchange = this.#byKey.get(key)
    if (!exchange) return null
    this.#byKey.delete(key)
    return t4 >= exchange.t1 ? { ...exchange, t4 } : null
  }
}

const TIME = 'Unix time: ms as a number, or ns as a string'
/** Of 64 bits, as the journal keeps times. */
const MAX_NS = 2n ** 63n - 1n
const NS_PER_MS = 1_000_000

function isTime(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function timeOf(value: unknown): bigint | null {
  if (typeof value === 'string') {
    const ns = /^\d{1,19}$/.test(value) ? BigInt(value) : null
    return ns !== null && ns <= MAX_NS ? ns : null
  }
  if (typeof value !== 'number' || !(value >= 0 && value <= Number(MAX_NS / 1_000_000n))) {
    return null
  }
  // Whole and fractional milliseconds apart: their product would lose the last digits.
  const wholeMs = Math.trunc(value)
  return BigInt(wholeMs) * 1_000_000n + BigInt(Math.round((value - wholeMs) * NS_PER_MS))
}

function isId(value: unknown): value is string | number {
  return typeof value === 'string' ? value.length <= MAX_ID_LENGTH : Number.isFinite(value)
}
