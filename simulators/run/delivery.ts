import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Api } from './api.ts'

const rowSchema = z.object({
  device: z.string(),
  accepted: z.number(),
  stored: z.number(),
  rejected: z.number(),
  duplicate: z.number(),
  pending: z.number(),
  late: z.number(),
  lost: z.number(),
})

export type Delivery = Omit<z.infer<typeof rowSchema>, 'device'>

const NOTHING: Delivery = {
  accepted: 0,
  stored: 0,
  rejected: 0,
  duplicate: 0,
  pending: 0,
  late: 0,
  lost: 0,
}

/** Delivery counts of the platform for these devices, added up. */
export async function deliveryOf(api: Api, devices: ReadonlySet<string>): Promise<Delivery> {
  const rows = await api.list('/delivery', rowSchema)
  return rows.filter(({ device }) => devices.has(device)).reduce<Delivery>(add, NOTHING)
}

/** The same as soon as nothing is pending, or at the deadline. */
export async function finalDelivery(
  api: Api,
  devices: ReadonlySet<string>,
  { clock, deadlineMs }: { readonly clock: Clock; readonly deadlineMs: number },
): Promise<Delivery> {
  const endNs = clock.monoNs() + BigInt(deadlineMs) * 1_000_000n
  for (;;) {
    const delivery = await deliveryOf(api, devices)
    if (delivery.pending === 0 || clock.monoNs() > endNs) return delivery
    await pause(200)
  }
}

function add(sum: Delivery, row: Delivery): Delivery {
  return {
    accepted: sum.accepted + row.accepted,
    stored: sum.stored + row.stored,
    rejected: sum.rejected + row.rejected,
    duplicate: sum.duplicate + row.duplicate,
    pending: sum.pending + row.pending,
    late: sum.late + row.late,
    lost: sum.lost + row.lost,
  }
}
