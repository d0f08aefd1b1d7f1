import { z } from 'zod'
import { list } from '../replies/answer.ts'
import type { Api } from '../api.ts'
import { ownColumns } from '../replies/csv.ts'
import type { Add } from '../endpoint.ts'
import { listPage } from '../parameters/list-page.ts'
import { deviceParameters, kindsParameter, pageParameters } from '../parameters/parameters.ts'
import { Problem } from '../replies/problem.ts'
import { idSchema, listSchema } from '../replies/schemas.ts'
import { deviceScope, requireInScope } from '../auth/scope.ts'

const deliverySchema = z.object({
  device: idSchema,
  accepted: z.number().describe('Messages made durable and acknowledged.'),
  stored: z.number(),
  rejected: z.number(),
  duplicate: z.number(),
  pending: z.number().describe('Accepted, and not yet one of the three before.'),
  late: z.number().describe('Part of stored: with a late reading.'),
  partial: z.number().describe('Part of stored: with some elements rejected.'),
  lost: z
    .number()
    .nullable()
    .describe('From gaps in sequence numbers; null: split over intakes, see /kpi/loss.'),
  commands: z.number().describe('Messages towards the device.'),
})

const COLUMNS = ownColumns(
  'device',
  'accepted',
  'stored',
  'rejected',
  'duplicate',
  'pending',
  'late',
  'partial',
  'lost',
  'commands',
)

export function addDelivery(add: Add, { port, cursors }: Api): void {
  add({
    method: 'GET',
    url: '/delivery',
    permission: 'delivery:read',
    tag: 'network',
    summary:
      'Where the messages of each device ended: accepted = stored + rejected + duplicate + pending',
    query: { ...deviceParameters, ...kindsParameter, ...pageParameters },
    answer: listSchema(deliverySchema),
    isList: true,
    async handle(ask) {
      const scope = deviceScope(ask, ask.query)
      if (scope instanceof Problem) return scope
      const rows = await port.ask('delivery', scope, ask.signal)
      for (const { device } of rows) requireInScope(scope, device)
      const shown = rows.map((row) => ({ ...row, device: ask.names.device(row.device) }))
      const page = listPage(shown, ({ device }) => device, ask, cursors)
      return page instanceof Problem ? page : list(page, COLUMNS)
    },
  })
}
