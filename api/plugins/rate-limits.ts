import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Caller } from '#lib/access/policy.ts'
import { Problem } from '../replies/problem.ts'

/** Requests in a window of time. An IPv6 address counts as its /64: one subscriber has all of that. */
export interface RateLimits {
  readonly requestsPerAddress: number
  readonly requestsPerKey: number
  readonly wrongKeysPerAddress: number
  readonly windowMs: number
}

/** A portal or a dashboard of a hundred panels stays far below. */
export const RATE_LIMITS: RateLimits = {
  requestsPerAddress: 2000,
  requestsPerKey: 1000,
  wrongKeysPerAddress: 20,
  windowMs: 1000,
}

/** Each returns the problem of a request over the limit, and null otherwise. */
export interface RequestLimiter {
  ofAddress(request: FastifyRequest): Promise<Problem | null>
  ofKey(request: FastifyRequest): Promise<Problem | null>
  /** Counts a wrong key. A valid key of the same address is not affected. */
  ofWrongKey(request: FastifyRequest): Promise<Problem | null>
}

/** Addresses and keys counted at the same time; the least recent are forgotten. */
const MAX_COUNTED = 10_000
/** Health checks are never refused, and a live stream has limits of its own. */
const UNLIMITED: ReadonlySet<string> = new Set(['/health/live', '/health/ready', '/api/v1/live'])

export async function createRequestLimiter(
  app: FastifyInstance,
  limits: RateLimits,
  callers: WeakMap<FastifyRequest, Caller>,
): Promise<RequestLimiter> {
  await app.register(rateLimit, { global: false, cache: MAX_COUNTED, timeWindow: limits.windowMs })
  const keyGenerator = (request: FastifyRequest) => callers.get(request)?.key.id ?? request.ip
  const byAddress = app.createRateLimit({ max: limits.requestsPerAddress })
  const byKey = app.createRateLimit({ max: limits.requestsPerKey, keyGenerator })
  const wrongKeys = app.createRateLimit({ max: limits.wrongKeysPerAddress })
  return {
    ofAddress: async (request) =>
      isUnlimited(request) ? null : problemOf(await byAddress(request), 'requests of one address'),
    ofKey: async (request) =>
      isUnlimited(request) ? null : problemOf(await byKey(request), 'requests with one key'),
    ofWrongKey: async (request) => problemOf(await wrongKeys(request), 'wrong keys of one address'),
  }
}

function isUnlimited({ routeOptions }: FastifyRequest): boolean {
  return UNLIMITED.has(routeOptions.url ?? '')
}

type Count = Awaited<ReturnType<ReturnType<FastifyInstance['createRateLimit']>>>

function problemOf(count: Count, what: string): Problem | null {
  if (count.isAllowed || !count.isExceeded) return null
  const headers = { 'retry-after': String(count.ttlInSeconds) }
  const limit = `${count.max} ${what} in ${count.timeWindow / 1000} s`
  const detail = `expected at most ${limit}, got more; wait ${count.ttlInSeconds} s`
  return new Problem(429, detail, { headers })
}
