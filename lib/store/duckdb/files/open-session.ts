import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { StoreOptions } from '../../options.ts'
import { createAppenders } from '../write/append.ts'
import { openEngine, unavailable } from './engine.ts'
import {
  TEMPORARY_TABLES,
  figuresPath,
  readFigures,
  schemaOfFigures,
  upgradeFigures,
  type Figures,
} from '../figures/figures.ts'
import { FIGURES } from '../figures/grain.ts'
import { LossTail } from '../figures/loss-tail.ts'
import { PART_SUFFIX, createPart, readPart, type Part } from './part.ts'
import { retentionOfPart } from '../../part-names.ts'
import { attach } from './quarantine.ts'
import { createReaders, type Session } from './session.ts'
import { identifier } from './sql.ts'

export interface OpenedSession {
  readonly session: Session
  /** First position whose rows may be lost with a damaged file; null when none is. */
  readonly damagedFrom: number | null
}

/** Attaches every file of the store directory to a new instance. */
export async function openSession(
  options: StoreOptions,
  { repair }: { readonly repair: boolean },
): Promise<OpenedSession> {
  const engine = await openEngine(options.dir)
  try {
    const writer = await engine.connect()
    await writer.run(TEMPORARY_TABLES)
    const figures = await openFigures(writer, options, repair)
    const parts = new Map<string, Part>()
    let damagedFrom: number | null = null
    for (const name of partFiles(options.dir)) {
      const { part, from } = await openPart(writer, options, { name, repair, figures })
      if (part) parts.set(name, part)
      if (from !== null) damagedFrom = Math.min(from, damagedFrom ?? from)
    }
    const appenders = createAppenders(writer)
    const readers = createReaders(engine)
    return {
      session: { engine, writer, appenders, parts, figures, lossTail: new LossTail(), readers },
      damagedFrom,
    }
  } catch (error) {
    engine.close()
    throw unavailable('open the store', error)
  }
}

function partFiles(dir: string): string[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith(PART_SUFFIX))
    .map((file) => basename(file, PART_SUFFIX))
    .filter((name) => retentionOfPart(name) !== null)
    .toSorted()
}

interface PartToOpen {
  readonly name: string
  readonly repair: boolean
  readonly figures: Figures
}

async function openPart(
  writer: DuckDBConnection,
  options: StoreOptions,
  { name, repair, figures }: PartToOpen,
): Promise<{ readonly part: Part | null; readonly from: number | null }> {
  const retention = retentionOfPart(name)
  if (!retention) return { part: null, from: null }
  const part = createPart(options.dir, name, retention)
  const hadWal = existsSync(`${part.path}.wal`)
  const attached = await attach(writer, part.path, name, { repair, log: options.log })
  if (attached === 'gone') return { part: null, from: 1 }
  const journal = await readPart(writer, part)
  const dropped = figures.dropped.get(name)
  // Never finished, or dropped by retention just before the end: there is nothing in it.
  if (journal === null || (dropped && part.position <= dropped.position)) {
    await removePart(writer, part)
    return { part: null, from: null }
  }
  requireSameJournal({ path: part.path, journal, position: part.position }, options)
  // Where its rows begin is not known; the next maintenance checkpoints it. Not now: on a full disk
  // that would fail, and the rows can be read without.
  if (hadWal) part.dirtyFrom = 1
  return { part, from: attached === 'without_wal' ? part.position + 1 : null }
}

/** Detaches a partition and deletes its files. */
export async function removePart(
  writer: DuckDBConnection,
  { name, path }: Pick<Part, 'name' | 'path'>,
): Promise<void> {
  await writer.run(`DETACH ${identifier(name)}`)
  rmSync(`${path}.wal`, { force: true })
  rmSync(path, { force: true })
}

async function openFigures(
  writer: DuckDBConnection,
  options: StoreOptions,
  repair: boolean,
): Promise<Figures> {
  const path = figuresPath(options.dir)
  const attached = await attach(writer, path, FIGURES, { repair, log: options.log })
  if (attached === 'gone') await attach(writer, path, FIGURES, { repair, log: options.log })
  await upgradeFigures(writer)
  let found = await readFigures(writer, options.dir)
  if (!found) {
    await writer.run(schemaOfFigures(options.journal))
    found = await readFigures(writer, options.dir)
  }
  if (!found) throw new Error(`${path}: the schema was made and cannot be read`)
  requireSameJournal({ path, journal: found.journal, position: found.rolled }, options)
  return found
}

interface Origin {
  readonly path: string
  readonly journal: string
  readonly position: number
}

/** A store never skips: rows of another journal would be taken for those of this one. */
function requireSameJournal(
  { path, journal, position }: Origin,
  options: Pick<StoreOptions, 'journal' | 'journalLast'>,
): void {
  if (journal !== options.journal) {
    throw new PlatformError(
      'DATA_DIR_FOREIGN',
      `${path}: expected rows of journal ${options.journal}, got those of ${journal}; bring journal ` +
        `and store of one backup together, or move the store folder away to fill it from the journal`,
    )
  }
  if (position > options.journalLast) {
    throw new PlatformError(
      'STORE_AHEAD',
      `${path}: expected positions up to ${options.journalLast}, the last of the journal, got ` +
        `${position}; the journal was lost or restored from an older backup. Bring journal and store ` +
        `of one backup together, or move the store folder away`,
    )
  }
}
