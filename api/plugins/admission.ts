import type { FastifyInstance, FastifyRequest } from 'fastify'
import { PERMISSIONS, type Caller, type Permission } from '#lib/access/policy.ts'
import type { Api } from '../api.ts'
import { sendProblem } from '../endpoint.ts'
import { admit } from '../auth/identify.ts'
import { Problem } from '../replies/problem.ts'
import type { RequestLimiter } from './rate-limits.ts'

export const PUBLIC = 'public'

/** Routes of plugins that cannot name a permission: the documentation page and its files. */
const PUBLIC_PREFIX = '/docs'

export interface Admission {
  readonly callers: WeakMap<FastifyRequest, Caller>
  readonly limiter: RequestLimiter
}

/**
 * The one place that lets requests in. A route without a permission stops the assembly, so that
 * none is open by being forgotten.
 */
export function addAdmission(app: FastifyInstance, api: Api, admission: Admission): void {
  app.addHook('onRoute', ({ url, config }) => {
    if (permissionOf(url, config) === null) {
      throw new Error(`route ${url} names no permission: add one to its config`)
    }
  })
  app.addHook('onRequest', async (request, reply) => {
    const problem = await refusalOf(api, admission, request)
    // A reply that is returned ends the request here, also while a hook of `onSend` still waits.
    return problem ? sendProblem(reply, problem) : undefined
  })
}

/** Why a request is refused; null when it is admitted. */
async function refusalOf(
  api: Api,
  { callers, limiter }: Admission,
  request: FastifyRequest,
): Promise<Problem | null> {
  const excess = await limiter.ofAddress(request)
  if (excess || request.is404) return excess
  const { url = '', config } = request.routeOptions
  const permission = permissionOf(url, config)
  if (permission === PUBLIC) return null
  if (permission === null) throw new Error(`route ${url} names no permission`)
  const caller = admit(api, request, permission)
  if (caller instanceof Problem) {
    const hasKey = request.headers.authorization !== undefined
    const isWrongKey = caller.status === 401 && hasKey
    return (isWrongKey ? await limiter.ofWrongKey(request) : null) ?? caller
  }
  callers.set(request, caller)
  return await limiter.ofKey(request)
}

/** The permission that the configuration of a route names; null when it names none that exists. */
export function permissionOf(url: string, config: unknown): Permission | typeof PUBLIC | null {
  if (url === PUBLIC_PREFIX || url.startsWith(`${PUBLIC_PREFIX}/`)) return PUBLIC
  if (typeof config !== 'object' || config === null || !('permission' in config)) return null
  const { permission } = config
  if (permission === PUBLIC) return PUBLIC
  return PERMISSIONS.find((one) => one === permission) ?? null
}
