import { statSync } from 'node:fs'
import { syncFolder } from '#lib/runtime/files.ts'
import type { StoreOptions } from '../../options.ts'
import type { MaintenanceReport } from '../../store.ts'
import { FIGURES } from '../figures/grain.ts'
import { removePart } from './open-session.ts'
import type { Part } from './part.ts'
import { newestNs } from '../../extent.ts'
import { periodEndNs } from '../../part-names.ts'
import {
  expireFigures,
  keepMinutesSql,
  rollDeviceLatency,
  rollHours,
  rollUp,
} from '../figures/roll-up.ts'
import type { Session } from './session.ts'
import { identifier, literal } from './sql.ts'
import { HOUR_NS, MINUTE_NS, daysNs, floorTo, hasPassed } from '#lib/telemetry/time-grid.ts'
import { withView } from '../scans/view.ts'

/** A WAL of this size is checkpointed at once: some 50 ms of work. */
const WAL_BYTES = 16 * 1024 * 1024
/** A smaller one waits no longer than this, so that the journal can be released. */
const CHECKPOINT_EVERY_NS = MINUTE_NS
/**
 * A checkpoint may also merge row groups that are not full: each rewrites two or three of them. Those that
 * come once a minute add one of any size, and merge two. Those of a full WAL add one that is large enough,
 * and merge nothing: at 20 000 messages/s that took 8 times as long as the checkpoint, and 170 MiB.
 */
const MERGES_EACH_MINUTE = 2
/** Positions per roll-up step, and how long steps are begun in one call. */
const ROLL_POSITIONS = 50_000
const ROLL_BUDGET_NS = 300_000_000n
/** The latency of single devices goes into hours by so many positions at once, or each hour. */
const LATENCY_POSITIONS = 500_000
/** Rows wait this long for a roll-up, unless they are many. */
const ROLL_EVERY_NS = MINUTE_NS

/** What maintenance remembers between calls; it outlives the session. */
export interface MaintenanceMemory {
  rolledAtNs: bigint
  hourNs: bigint
}

export interface Maintenance extends StoreOptions {
  readonly memory: MaintenanceMemory
  /** Every row at or below it is in its file. */
  readonly committed: number
  /** What is past its retention then goes; null: nothing. */
  readonly expiryNs: bigint | null
}

/** Roll-ups first, because retention and checkpoints build on them. */
export async function maintainSession(
  session: Session,
  nowNs: bigint,
  maintenance: Maintenance,
): Promise<MaintenanceReport> {
  const { memory, retention, committed, expiryNs } = maintenance
  await rollUpDue(session, nowNs, maintenance)
  const hourNs = floorTo(nowNs, HOUR_NS)
  const isNewHour = hourNs !== memory.hourNs
  await rollLatencyDue(session, isNewHour, maintenance)
  if (isNewHour) {
    await rollHours(session)
    memory.hourNs = hourNs
  }
  if (isNewHour && expiryNs !== null) {
    await expireFigures(session, {
      minutesNs: expiryNs - daysNs(retention.minuteDays),
      hoursNs: expiryNs - daysNs(retention.hourDays),
    })
  }
  const droppedPartitions =
    expiryNs === null ? [] : await dropExpired(session, expiryNs, maintenance)
  await checkpointDue(session, nowNs)
  return {
    checkpointed: checkpointedOf(session, committed),
    droppedPartitions,
    behind: Math.max(0, committed - session.figures.rolled),
  }
}

async function rollUpDue(
  session: Session,
  nowNs: bigint,
  { memory, committed, clock }: Maintenance,
): Promise<void> {
  const { figures, lossTail } = session
  const many = committed - figures.rolled >= ROLL_POSITIONS
  if (committed <= figures.rolled || (!many && !hasPassed(ROLL_EVERY_NS, memory.rolledAtNs, nowNs)))
    return
  const startNs = clock.monoNs()
  while (figures.rolled < committed && clock.monoNs() - startNs < ROLL_BUDGET_NS) {
    // A little more than a step is one step: it then ends where everything is rolled up. From there on
    // loss is followed, as far as that is so a step takes a third of the time.
    const isFollowed = lossTail.covers(figures.rolled, committed)
    const isLast = isFollowed || committed - figures.rolled < 2 * ROLL_POSITIONS
    await rollUp(session, {
      upTo: isLast ? committed : figures.rolled + ROLL_POSITIONS,
      committed,
    })
  }
  if (figures.rolled >= committed) memory.rolledAtNs = nowNs
}

async function rollLatencyDue(
  session: Session,
  isNewHour: boolean,
  { clock }: Maintenance,
): Promise<void> {
  const { figures } = session
  const startNs = clock.monoNs()
  for (;;) {
    const { rolled, latencyRolled } = figures
    const upTo = Math.min(rolled, latencyRolled + LATENCY_POSITIONS)
    if (rolled === latencyRolled || (!isNewHour && upTo === rolled)) return
    if (clock.monoNs() - startNs >= ROLL_BUDGET_NS) return
    await rollDeviceLatency(session, upTo)
  }
}

/** Whole files go, once their newest row is past the retention and their figures are kept. */
async function dropExpired(
  session: Session,
  nowNs: bigint,
  { retention, dir }: Maintenance,
): Promise<string[]> {
  const { writer, figures, parts, appenders } = session
  const dropped: string[] = []
  for (const part of parts.values()) {
    const keepNs = daysNs(part.retention === 'fleet' ? retention.fleetDays : retention.meteringDays)
    const newest = newestNs(part.extents)
    const over = periodEndNs(part.name) <= nowNs && newest < nowNs - keepNs
    if (!over || part.position > figures.latencyRolled || part.readers > 0) continue
    const hasMinutes = daysNs(retention.minuteDays) > keepNs
    const keepMinutes = hasMinutes
      ? await withView(session, async (view) => keepMinutesSql(view, part))
      : 'SELECT 1'
    // From here on the file counts as gone, even if this process ends before it is.
    await writer.run(
      `BEGIN; ${keepMinutes};
       INSERT INTO ${FIGURES}.dropped VALUES
         (${literal(part.name)}, ${part.position}, ${newest});
       COMMIT; CHECKPOINT ${FIGURES}`,
    )
    figures.dropped.set(part.name, { position: part.position, maxNs: newest, hasMinutes })
    parts.delete(part.name)
    appenders.release(part)
    await removePart(writer, part)
    dropped.push(part.name)
  }
  if (dropped.length > 0) syncFolder(dir)
  return dropped
}

async function checkpointDue(session: Session, nowNs: bigint): Promise<void> {
  const { figures, parts, appenders } = session
  for (const part of parts.values()) {
    if (part.dirtyFrom === null) continue
    const over = periodEndNs(part.name) <= nowNs
    if (over) appenders.release(part)
    if (!over && !isDue(part, nowNs)) continue
    await checkpointPart(session, part, walBytes(part.path) < WAL_BYTES ? MERGES_EACH_MINUTE : 0)
    part.checkpointedAtNs = nowNs
  }
  if (figures.dirty && isDue(figures, nowNs)) {
    await session.writer.run(`CHECKPOINT ${FIGURES}`)
    figures.dirty = false
    figures.checkpointedAtNs = nowNs
  }
}

function isDue(file: { readonly path: string; readonly checkpointedAtNs: bigint }, nowNs: bigint) {
  return (
    hasPassed(CHECKPOINT_EVERY_NS, file.checkpointedAtNs, nowNs) || walBytes(file.path) >= WAL_BYTES
  )
}

export function walBytes(path: string): number {
  return statSync(`${path}.wal`, { throwIfNoEntry: false })?.size ?? 0
}

/** It may rewrite row groups that are not full `merges` times; without it only what is new is written. */
export async function checkpointPart({ writer }: Session, part: Part, merges = 0): Promise<void> {
  await writer.run(
    `SET GLOBAL max_vacuum_tasks = ${merges}; CHECKPOINT ${identifier(part.name)};
     RESET GLOBAL max_vacuum_tasks`,
  )
  part.dirtyFrom = null
}

/** Files without rows in the WAL hold nothing back. */
function checkpointedOf({ parts }: Session, committed: number): number {
  let lowest = committed
  for (const { dirtyFrom } of parts.values()) {
    if (dirtyFrom !== null) lowest = Math.min(lowest, dirtyFrom - 1)
  }
  return lowest
}
