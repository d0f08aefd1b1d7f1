import type { FastifyInstance } from 'fastify'
import type { Api } from '../api.ts'
import { PUBLIC } from '../plugins/admission.ts'

/** The metrics that Prometheus scrapes. */
export function addMetrics(app: FastifyInstance, { metrics }: Api): void {
  const schema = { tags: ['platform'], summary: 'Metrics for Prometheus' }
  app.get('/metrics', { config: { permission: PUBLIC }, schema }, async (_request, reply) => {
    const { contentType, text } = await metrics.show()
    return reply.type(contentType).send(text)
  })
}
