import { z } from 'zod'
import { deviceParameters, wordsParameter } from '#lib/queries/parameters.ts'
import { REJECTION_REASONS } from '#lib/telemetry/rejection.ts'
import type { Api } from '../api.ts'
import { deviceScope } from '../auth/scope.ts'
import type { Add } from '../endpoint.ts'
import { ok } from '../replies/response.ts'
import { Problem, unusable } from '../replies/problem.ts'

const replaySchema = z.strictObject({
  ids: z
    .array(z.string().regex(/^([0-9a-f-]{36}:)?\d{1,16}\.\d{1,9}$/, 'ids look like 4711.0'))
    .min(1)
    .max(10_000)
    .optional(),
  filter: z
    .strictObject({
      reason: wordsParameter(REJECTION_REASONS, 'Reasons'),
      ...deviceParameters,
    })
    .optional()
    .describe('Every rejection of these reasons, devices, tenants.'),
  positions: z
    .strictObject({ from: z.int().min(1), to: z.int().min(1) })
    .optional()
    .describe('Journal positions, both included: read again as they stand in the journal.'),
})

const replayCountsSchema = z.object({
  recovered: z.number().describe('Stored now.'),
  again: z.number().describe('Rejected again.'),
  duplicate: z.number().describe('Stored before.'),
})

export function addReplay(add: Add, api: Api): void {
  add({
    method: 'POST',
    url: '/rejections/replay',
    permission: 'rejections:replay',
    tag: 'rejections',
    summary: 'Try rejected messages again after their cause was fixed',
    body: replaySchema,
    response: replayCountsSchema,
    async handle(call) {
      const { ids = null, filter, positions = null } = call.body
      const given = [ids, filter ?? null, positions].filter((one) => one !== null).length
      if (given !== 1) {
        return unusable('ids', `expected one of ids, filter, positions, got ${given}; give one`)
      }
      if (positions && positions.from > positions.to) {
        const got = `${positions.from} to ${positions.to}`
        return unusable('positions', `expected from <= to, got ${got}; exchange them`)
      }
      const scope = deviceScope(call, filter ?? {})
      if (scope instanceof Problem) return scope
      const reasons = filter?.reason ?? null
      const { recovered, again, duplicate } = await api.port.replay(
        { scope, ids, reasons, positions },
        call.signal,
      )
      return ok({ recovered, again, duplicate })
    },
  })
}
