import { z } from 'zod'
import type { Api } from '../simulators/run/api.ts'

const lastSchema = z.object({
  device: z.string(),
  kind: z.string(),
  time: z.string(),
  seq: z.number().nullable(),
  fields: z.record(z.string(), z.unknown()),
})

/** The last state of a device in the platform, from which a simulation continues. */
export interface LastKnown {
  readonly atMs: number
  /** Highest sequence number among the latest readings; null without any. */
  readonly seq: number | null
  readonly fields: Readonly<Record<string, unknown>>
}

/** By device; the fields of all its kinds, the latest value of each. */
export async function lastKnown(api: Api): Promise<ReadonlyMap<string, LastKnown>> {
  const known = new Map<string, LastKnown>()
  const rows = await api.list('/last-values', lastSchema)
  const byTime = rows.toSorted((a, b) => (a.time < b.time ? -1 : 1))
  for (const { device, time, seq, fields } of byTime) {
    const before = known.get(device)
    known.set(device, {
      atMs: Temporal.Instant.from(time).epochMilliseconds,
      seq: seq === null ? (before?.seq ?? null) : Math.max(seq, before?.seq ?? 0),
      fields: { ...before?.fields, ...fields },
    })
  }
  return known
}
