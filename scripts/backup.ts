import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Manifest } from '#lib/runtime/backup/archive.ts'
import { archiveAtRest, writeBackupFile } from '#lib/runtime/backup/backup-file.ts'
import { isoOf, systemClock } from '#lib/runtime/clock.ts'
import { runCommand, type Given, type Outcome } from '#lib/runtime/command.ts'
import { openDataDir } from '#lib/runtime/data-dir.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { createLog } from '#lib/runtime/log.ts'
import { openIngestDb } from '../ingest/state/ingest-db.ts'
import { loadSaved } from '../ingest/state/snapshot.ts'
import {
  DATA_DIR_OPTION,
  NOT_RUNNING,
  dataDirOf,
  oneFile,
  refusalReason,
  requestLocal,
} from './local-platform.ts'

const COMMAND = {
  name: 'backup',
  summary: `Backs up a whole platform while it runs, or its data directory when it does not.
A name that ends in .gz or .zst compresses. The file holds secrets: keep it like a password.`,
  words: '<file>',
  options: { 'data-dir': DATA_DIR_OPTION },
  examples: ['padborg-2026-11-30.tar.zst', '--data-dir /var/lib/padborg monday.tar.gz'],
} as const

async function backup({ words, texts }: Given<'data-dir'>): Promise<Outcome> {
  const file = oneFile(words)
  const dir = dataDirOf(texts['data-dir'])
  const answer = await requestLocal(dir, '/backup')
  const manifest = answer === NOT_RUNNING ? await atRest(dir, file) : await running(answer, file)
  const { files, position, durable } = manifest
  const bytes = files.reduce((sum, one) => sum + one.bytes, 0)
  const upTo = durable ?? position
  return {
    text: `Backed up ${files.length} files, ${bytes} bytes, up to position ${upTo}.`,
    json: { file, files: files.length, bytes, position: upTo },
  }
}

async function running(answer: Response, file: string): Promise<Manifest> {
  if (answer.ok && answer.body) return await writeBackupFile(file, answer.body)
  throw new PlatformError('BACKUP_FAILED', await refusalReason(answer))
}

async function atRest(dir: string, file: string): Promise<Manifest> {
  if (!existsSync(join(dir, 'registry.db'))) {
    throw new PlatformError(
      'BACKUP_FAILED',
      `${dir}: expected the data directory of a platform, there is no registry.db; name it with ` +
        '--data-dir or PADBORG_DATA_DIR',
    )
  }
  const dataDir = openDataDir(dir, createLog('error'))
  try {
    const createdAt = isoOf(systemClock.nowNs())
    return await writeBackupFile(file, archiveAtRest(dir, { createdAt, ...savedPosition(dir) }))
  } finally {
    dataDir.close()
  }
}

/** Opening ingest.db also moves what a crash left in its WAL into the file. */
function savedPosition(dir: string): {
  readonly journal: string | null
  readonly position: number
} {
  const db = openIngestDb(join(dir, 'ingest.db'))
  try {
    const { journal, position } = loadSaved(db)
    return { journal: journal ?? journalIn(dir), position }
  } finally {
    db.close()
  }
}

function journalIn(dir: string): string | null {
  const path = join(dir, 'journal', 'journal.json')
  if (!existsSync(path)) return null
  const value: unknown = JSON.parse(readFileSync(path, 'utf8'))
  return typeof value === 'object' && value && 'id' in value ? String(value.id) : null
}

if (import.meta.main) process.exit(await runCommand(COMMAND, process.argv.slice(2), backup))
