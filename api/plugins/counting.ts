import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { CLIENT_CLOSED } from '../replies/client-gone.ts'

/** Counts each request once, by the pattern of its route: the number of addresses is unbounded. */
export function addCounting(
  app: FastifyInstance,
  { metrics }: { readonly metrics: Metrics },
): void {
  const counted = new WeakSet<FastifyRequest>()
  app.addHook('onRequest', async (request, reply) => {
    // Fires after `onResponse` when the response was sent, and alone when the client disconnected.
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
