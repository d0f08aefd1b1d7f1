import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { isPlatformError } from '#lib/runtime/errors.ts'
import type { IngestStatus } from '#lib/telemetry/questions.ts'
import type { Api } from '../api.ts'
import { PUBLIC } from '../plugins/gate.ts'

const liveSchema = z.object({ live: z.literal(true) })

const readySchema = z.object({
  ready: z.boolean(),
  problems: z.array(z.string()).describe('Why it is not ready; empty when it is.'),
  journal: z.string().nullable(),
  durable: z.number().nullable().describe('Highest position made durable.'),
  written: z.number().nullable().describe('Highest position the writer has finished.'),
  lagMessages: z.number().nullable(),
  lagMs: z.number().nullable(),
})

/** Whether the process answers, and whether it takes and stores messages in time. */
export function addHealth(app: FastifyInstance, api: Api): void {
  const config = { permission: PUBLIC }
  const tags = ['platform']
  app.get(
    '/health/live',
    { config, schema: { tags, summary: 'The process answers', response: { 200: liveSchema } } },
    async () => ({ live: true }),
  )
  const summary = 'Messages are taken and stored in time'
  app.get(
    '/health/ready',
    { config, schema: { tags, summary, response: { 200: readySchema, 503: readySchema } } },
    async (_request, reply) => {
      const status = await statusOf(api)
      const problems = [...status.problems, ...lagProblem(status, api.options.readyLagMs)]
      const ready = problems.length === 0
      return reply.code(ready ? 200 : 503).send({ ...status, ready, problems })
    },
  )
}

type Status = { readonly [K in keyof IngestStatus]: IngestStatus[K] | null } & {
  readonly problems: readonly string[]
}

/** An ingest role that cannot be asked is a problem as well. */
async function statusOf({ port }: Api): Promise<Status> {
  try {
    return await port.ask('status', null)
  } catch (error) {
    if (!isPlatformError(error)) throw error
    const none = { journal: null, durable: null, written: null, lagMessages: null, lagMs: null }
    return { ...none, problems: [`the ingest role does not answer (${error.code})`] }
  }
}

function lagProblem({ lagMs, lagMessages }: Status, readyLagMs: number): string[] {
  if (lagMs === null || lagMs <= readyLagMs) return []
  return [
    `the writer lags: expected at most ${readyLagMs} ms, got ${Math.round(lagMs)} ms ` +
      `(${lagMessages} messages)`,
  ]
}
