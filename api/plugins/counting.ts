import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { CLIENT_CLOSED } from '../replies/client-gone.ts'

/** Every request once, by the pattern of its route: addresses themselves have no end. */
export function addCounting(
  app: FastifyInstance,
  { metrics }: { readonly metrics: Metrics },
): void {
  const counted = new WeakSet<FastifyRequest>()
  app.addHook('onRequest', async (request, reply) => {
    // Fires after `onResponse` when the answer was sent, and alone when the client went away.
    reply.raw.once('close', () => count(request, CLIENT_CLOSED))
  })
  app.addHook('onResponse', async (request, reply) => count(request, reply.statusCode))

  function count(request: FastifyRequest, status: number): void {
    if (counted.has(request)) return
    counted.add(request)
    const { method, routeOptions } = request
    const route = routeOptions.url ?? 'none'
    metrics.count('padborg_http_requests_total', 1, { method, route, status: String(status) })
  }
}
