import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { isPlatformError } from '#lib/runtime/errors.ts'
import { type IngestStatus, readinessProblems } from '#lib/telemetry/readiness.ts'
import type { Api } from '../api.ts'
import type { IntakeSource } from '../intake-client/intakes.ts'
import { PUBLIC } from '../plugins/admission.ts'

const liveSchema = z.object({ live: z.literal(true) })

const figures = {
  problems: z.array(z.string()).describe('Why it is not ready; empty when it is.'),
  warnings: z
    .array(z.string())
    .describe('What somebody should look at although it is ready: damage, a clock that is ahead.'),
  journal: z.string().nullable(),
  durable: z.number().nullable().describe('Highest position made durable.'),
  written: z.number().nullable().describe('Highest position the writer has finished.'),
  lagMessages: z.number().nullable(),
  lagMs: z.number().nullable(),
}
const readySchema = z.object({
  ready: z.boolean(),
  ...figures,
  intakes: z
    .array(z.object({ name: z.string().nullable(), ...figures }))
    .optional()
    .describe('Each of them where they are in other processes; the figures above are of one.'),
})

/** Positions of several journals are no figure. */
const UNKNOWN = { journal: null, durable: null, written: null, lagMessages: null, lagMs: null }

/** Whether the process replies, and whether it accepts and stores messages in time. */
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
      const { intakes, options } = api
      const each = await Promise.all(
        intakes.map(async (one) => ({
          name: one.name,
          ...(await readinessOf(one, options.readyLagMs)),
        })),
      )
      const problems = each.flatMap((one) => one.problems)
      const warnings = each.flatMap((one) => one.warnings)
      const ready = problems.length === 0
      const [only] = each
      const { name: _, ...figures } = each.length === 1 && only ? only : { name: null, ...UNKNOWN }
      const apart = each.some(({ name }) => name !== null) ? { intakes: each } : {}
      return reply.code(ready ? 200 : 503).send({ ...figures, ready, problems, warnings, ...apart })
    },
  )
}

type Readiness = { readonly [K in keyof IngestStatus]: IngestStatus[K] | null } & {
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** An ingest role that does not reply is a problem as well. */
async function readinessOf(
  { port, name }: Pick<IntakeSource, 'port' | 'name'>,
  readyLagMs: number,
): Promise<Readiness> {
  try {
    const status = await port.status()
    return { ...status, problems: readinessProblems(status, readyLagMs) }
  } catch (error) {
    if (!isPlatformError(error)) throw error
    const which = name === null ? 'the ingest role' : `the intake ${name}`
    return { ...UNKNOWN, warnings: [], problems: [`${which} does not answer (${error.code})`] }
  }
}
