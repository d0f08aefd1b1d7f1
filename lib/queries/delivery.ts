import { z } from 'zod'
import type { FullId } from '#lib/telemetry/ids.ts'
import { count, deviceColumn } from './columns.ts'
import { deviceParameters, kindsParameter, pageParameters } from './parameters.ts'
import { defineQuery, type QueryResult } from './query.ts'

const row = z.object({
  device: deviceColumn(),
  accepted: count('Messages made durable and acknowledged.'),
  stored: count(),
  rejected: count(),
  duplicate: count(),
  pending: count('Accepted, and not yet one of the three before.'),
  late: count('Part of stored: with a late reading.'),
  partial: count('Part of stored: with some elements rejected.'),
  lost: count('From gaps in sequence numbers; null: split over intakes, see /kpi/loss.').nullable(),
  commands: count('Messages towards the device.'),
})

type DeliveryRow = z.output<typeof row>

export const delivery = defineQuery({
  path: '/delivery',
  permission: 'delivery:read',
  tag: 'network',
  summary:
    'Where the messages of each device ended: accepted = stored + rejected + duplicate + pending',
  parameters: { ...deviceParameters, ...kindsParameter, ...pageParameters },
  row,
  scope: 'devices',
  shape: 'list',
  sources: ['state'],
  toQuery: (_, { scope }) => ({ scope }),
  key: ({ device }) => device,
  answer: async ({ state }, { scope }) => ({ rows: await state.delivery(scope) }),
  merge: mergeDelivery,
})

const SUMS = [
  'accepted',
  'stored',
  'rejected',
  'duplicate',
  'pending',
  'late',
  'partial',
  'commands',
] as const satisfies readonly (keyof DeliveryRow)[]

/**
 * Sums over the intakes. Where a device's messages went to more than one of them, each has seen gaps
 * that the others know to be none: how many were lost is not known here, /kpi/loss reads the store.
 */
function mergeDelivery(results: readonly QueryResult<DeliveryRow>[]): QueryResult<DeliveryRow> {
  const sums = new Map<FullId, DeliveryRow>()
  for (const one of results.flatMap(({ rows }) => rows)) {
    const known = sums.get(one.device)
    sums.set(one.device, known ? sumOf(known, one) : one)
  }
  return { rows: [...sums.values()].toSorted((a, b) => (a.device < b.device ? -1 : 1)) }
}

function sumOf(a: DeliveryRow, b: DeliveryRow): DeliveryRow {
  const sums = Object.fromEntries(SUMS.map((name) => [name, a[name] + b[name]]))
  const lost = a.accepted === 0 ? b.lost : b.accepted === 0 ? a.lost : null
  return { ...a, ...sums, lost }
}
