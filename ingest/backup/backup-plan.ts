import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Manifest, SourceFile } from '#lib/runtime/backup/archive.ts'
import { copyDatabase } from '#lib/runtime/backup/sqlite-copy.ts'
import { isoOf, type Clock } from '#lib/runtime/clock.ts'
import { systemCodeOf } from '#lib/runtime/errors.ts'
import { hardLink } from '#lib/runtime/files.ts'
import type { Journal } from '../journal/journal.ts'
import { segmentName, segmentNumbers } from '../journal/segments/segment-header.ts'
import type { Frozen } from './freezer.ts'

/** What the archive of a backup is made of. */
export interface BackupPlan {
  readonly head: Omit<Manifest, 'files' | 'format' | 'version'>
  readonly sources: readonly SourceFile[]
}

export interface PlanParts {
  readonly dataDir: string
  /** Its keys lie beside it. */
  readonly registryPath: string
  readonly journal: Pick<Journal, 'id' | 'durable'>
  readonly clock: Clock
}

/** A checkpoint of DuckDB writes one of the three headers at the start of the file. */
const STORE_HEADER_BYTES = 3 * 4096

/**
 * Puts everything a backup needs under names of its own in a folder. First state and store of one
 * position (`freeze`), then the journal up to a later one, then the registry: a restored platform
 * reads the journal from that position, as after a crash, and knows every device in it.
 */
export async function planBackup(
  { dataDir, registryPath, journal, clock }: PlanParts,
  stage: string,
  freeze: (dir: string) => Promise<Frozen>,
): Promise<BackupPlan> {
  rmSync(stage, { recursive: true, force: true })
  mkdirSync(stage, { mode: 0o700 })
  const frozen = await freeze(stage)
  const { durable } = journal
  const segments = linkJournal(dataDir, stage, durable)
  const databases = { 'registry.db': registryPath, 'broker.db': join(dataDir, 'broker.db') }
  for (const [name, path] of Object.entries(databases)) {
    if (existsSync(path)) await copyDatabase(path, join(stage, name)).run()
  }
  const storeNames = frozen.store.map((name) => `store/${name}`)
  const sources = [
    ...filesOf(stage, ['ingest.db', 'registry.db', 'broker.db']),
    ...filesOf(dirname(registryPath), ['admin-key', 'pseudonym-secret']),
    ...filesOf(stage, storeNames).map((file) => ({ ...file, steadyBytes: STORE_HEADER_BYTES })),
    ...filesOf(dataDir, ['journal/journal.json']),
    ...segments,
  ]
  const head = {
    createdAt: isoOf(clock.nowNs()),
    journal: journal.id,
    position: frozen.position,
    durable: durable.position,
  }
  return { head, sources }
}

function filesOf(dir: string, names: readonly string[]): SourceFile[] {
  return names.flatMap((name) => {
    const path = join(dir, name)
    const found = statSync(path, { throwIfNoEntry: false })
    return found ? [{ name, path, bytes: found.size }] : []
  })
}

/**
 * Hard links to the segments up to what is durable, the newest first: those that retention removes
 * meanwhile are the oldest, so that no gap comes about.
 */
function linkJournal(
  dataDir: string,
  stage: string,
  end: { readonly segment: number; readonly offset: number },
): SourceFile[] {
  mkdirSync(join(stage, 'journal'), { mode: 0o700 })
  const files: SourceFile[] = []
  const segments = segmentNumbers(readdirSync(join(dataDir, 'journal')))
  for (const segment of segments.filter((one) => one <= end.segment).toReversed()) {
    const name = `journal/${segmentName(segment)}`
    const path = join(stage, name)
    try {
      hardLink(join(dataDir, name), path)
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') break
      throw error
    }
    const bytes = segment === end.segment ? end.offset : statSync(path).size
    files.push({ name, path, bytes })
  }
  return files.toReversed()
}
