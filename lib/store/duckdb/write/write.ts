import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { StoreBatch } from '../../store.ts'
import {
  attachSql,
  createPart,
  ensureSchema,
  progressSql,
  readPart,
  type Part,
} from '../files/part.ts'
import { widened, type Extent } from '../../extent.ts'
import { createPartNamer, retentionOfPart } from '../../part-names.ts'
import type { Session } from '../files/session.ts'

/**
 * Writes a batch: a transaction per partition it touches, with the partition's own position. Rows at
 * or below that position are in the file already and are left out, so a batch may come again.
 */
export async function writeBatch(session: Session, batch: StoreBatch, dir: string): Promise<void> {
  for (const [name, byKind] of groupByPart(batch)) {
    const part = session.parts.get(name)
    const droppedAt = session.figures.dropped.get(name)?.position ?? 0
    const fresh = rowsAfter(byKind, Math.max(part?.position ?? 0, droppedAt))
    if (fresh.size === 0) continue
    await writePart(session, part ?? (await addPart(session, name, dir)), fresh, batch)
  }
}

type RowsByKind = ReadonlyMap<Kind, readonly Reading[]>

function groupByPart({ readings, toPosition }: StoreBatch): Map<string, Map<Kind, Reading[]>> {
  const namePart = createPartNamer()
  const groups = new Map<string, Map<Kind, Reading[]>>()
  for (const reading of readings) {
    if (reading.position > toPosition) {
      throw new RangeError(`expected rows up to ${toPosition}, got one of ${reading.position}`)
    }
    const name = namePart(reading.kind, reading.receivedAtNs)
    const byKind = groups.get(name) ?? new Map<Kind, Reading[]>()
    groups.set(name, byKind)
    const rows = byKind.get(reading.kind)
    if (rows) rows.push(reading)
    else byKind.set(reading.kind, [reading])
  }
  return groups
}

function rowsAfter(byKind: RowsByKind, position: number): RowsByKind {
  const fresh = new Map<Kind, readonly Reading[]>()
  for (const [kind, rows] of byKind) {
    // Rows come in the order of the journal: mostly all of them are new.
    const first = rows.findIndex((row) => row.position > position)
    if (first >= 0) fresh.set(kind, first === 0 ? rows : rows.slice(first))
  }
  return fresh
}

async function addPart(session: Session, name: string, dir: string) {
  const retention = retentionOfPart(name)
  if (!retention) throw new RangeError(`no partition has the name ${name}`)
  const part = createPart(dir, name, retention)
  await session.writer.run(attachSql(part.path, name))
  await readPart(session.writer, part)
  session.parts.set(name, part)
  return part
}

async function writePart(
  { writer, appenders }: Session,
  part: Part,
  rows: RowsByKind,
  { journal, toPosition }: StoreBatch,
): Promise<void> {
  await ensureSchema(writer, part, journal)
  await writer.run('BEGIN')
  const extents = new Map<Kind, Extent>()
  const updates: string[] = []
  let first = Infinity
  for (const [kind, readings] of rows) {
    await appenders.append(part, kind, readings)
    const extent = widened(part.extents.get(kind), readings)
    extents.set(kind, extent)
    updates.push(progressSql(part, { kind, journal, position: toPosition, extent }))
    first = Math.min(first, readings[0]?.position ?? Infinity)
  }
  await writer.run([...updates, 'COMMIT'].join(';\n'))
  for (const [kind, extent] of extents) part.extents.set(kind, extent)
  part.position = toPosition
  part.dirtyFrom ??= first
}
