import { ALL } from '#lib/telemetry/scope.ts'
import type { Point } from '#lib/store/influx/write/line.ts'
import type { Context, DerivedSeries } from './series.ts'

/** How the intake is: journal, writer and sums, now. */
export const pipeline: DerivedSeries = {
  measurement: 'pipeline',
  keep: 'minute',
  sample: { everyMs: 10_000, create: () => pipelinePoints },
}

async function pipelinePoints(nowNs: bigint, context: Context): Promise<readonly Point[]> {
  const { journal } = context
  const status = await context.status()
  const { bytes, syncs, failedSyncs } = journal.status()
  const totals = { accepted: 0, stored: 0, rejected: 0, duplicate: 0 }
  for (const row of await context.rows('delivery', { scope: ALL })) {
    totals.accepted += row.accepted
    totals.stored += row.stored
    totals.rejected += row.rejected
    totals.duplicate += row.duplicate
  }
  const counts = {
    lagMessages: status.lagMessages,
    journalBytes: bytes,
    held: journal.paused ? 1 : 0,
    syncs,
    failedSyncs,
    ...totals,
    problems: status.problems.length,
  }
  const days = context.certificateDays()
  return [
    {
      measurement: pipeline.measurement,
      tags: { node: journal.id },
      fields: {
        ...Object.fromEntries(Object.entries(counts).map(([name, n]) => [name, BigInt(n)])),
        lagSeconds: status.lagMs / 1000,
        ...(days === null ? {} : { certificateDays: days }),
      },
      timeNs: nowNs,
    },
  ]
}
