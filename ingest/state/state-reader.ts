import type { DatabaseSync } from 'node:sqlite'
import type {
  DeliveryCounts,
  HeatState,
  IntakeStateReader,
  StageBucket,
} from '#lib/queries/intake-state.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { LastValue } from '#lib/telemetry/reading.ts'
import { inScope, type Scope } from '#lib/telemetry/scope.ts'
import { MINUTE_NS } from '#lib/telemetry/time-grid.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { groupRejections } from '../rejections/rejection-groups.ts'
import { listRejections } from '../rejections/rejection-list.ts'
import type { IntakeState } from './intake-state.ts'
import type { StageClock } from './stage-clock.ts'

export interface StateParts {
  readonly state: IntakeState
  readonly db: DatabaseSync
  readonly stages: StageClock
  readonly heat: HeatState
  /** Messages made durable per device; counted where the journal is. */
  acceptedCounts(): Promise<ReadonlyMap<FullId, number>>
  readonly conformance: IntakeStateReader['conformance']
}

/** What queries read of the intake beside the store. */
export function createStateReader(parts: StateParts): IntakeStateReader {
  const { state, db, stages } = parts
  return {
    lastValues: (scope) => lastValuesOf(state, scope),
    delivery: (scope) => deliveryOf(parts, scope),
    stageBuckets: (span) => stageBucketsOf(db, stages, span),
    rejections: (scan) => listRejections(db, scan),
    rejectionGroups: (scan) => groupRejections(db, scan),
    conformance: parts.conformance,
    heat: parts.heat,
  }
}

function lastValuesOf(state: IntakeState, scope: Scope): LastValue[] {
  const values: LastValue[] = []
  for (const [id, device] of state.devices) {
    if (!inScope(scope, id)) continue
    for (const value of device.last.values()) {
      if (!scope.kinds || scope.kinds.includes(value.kind)) values.push(value)
    }
  }
  return values
}

const NOTHING = { read: 0, stored: 0, rejected: 0, duplicate: 0, late: 0, partial: 0, lost: 0 }

/**
 * The counts are those of one position; `accepted` is read after them, so what lies between is
 * pending. A message that was lost on the way would show as pending for ever.
 */
async function deliveryOf(parts: StateParts, scope: Scope): Promise<DeliveryCounts[]> {
  const shown = new Map([...parts.state.devices].map(([id, device]) => [id, device.shown] as const))
  const accepted = await parts.acceptedCounts()
  return [...new Set([...shown.keys(), ...accepted.keys()])]
    .filter((device) => inScope(scope, device))
    .toSorted()
    .map((device) => {
      const counts = shown.get(device) ?? { ...NOTHING, commands: 0 }
      const { stored, rejected, duplicate, late, partial, lost, commands } = counts
      const total = accepted.get(device) ?? 0
      const pending = total - counts.read
      const sums = { accepted: total, stored, rejected, duplicate, pending }
      return { device, ...sums, late, partial, lost, commands }
    })
}

/** Counts saved in ingest.db, and those since the last snapshot. */
function stageBucketsOf(
  db: DatabaseSync,
  stages: StageClock,
  { fromNs, toNs }: Span,
): readonly StageBucket[] {
  const from = Number(fromNs / MINUTE_NS)
  const to = Number((toNs + MINUTE_NS - 1n) / MINUTE_NS)
  const saved = db
    .prepare('SELECT minute, stage, bucket, n FROM stage_minutes WHERE minute >= ? AND minute < ?')
    .all(from, to)
    .map((row) => ({
      minute: Number(row['minute']),
      stage: String(row['stage']),
      bucket: Number(row['bucket']),
      n: Number(row['n']),
    }))
  const fresh = stages.peek().filter(({ minute }) => minute >= from && minute < to)
  return [...saved, ...fresh]
}
