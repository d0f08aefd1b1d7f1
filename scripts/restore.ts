import { runCommand, type Given, type Outcome } from '#lib/runtime/command.ts'
import { createLog } from '#lib/runtime/log.ts'
import { restoreArchive } from '#lib/runtime/backup/restore.ts'
import { DATA_DIR_OPTION, dataDirOf, oneFile } from './local-platform.ts'

const COMMAND = {
  name: 'restore',
  summary: 'Restores a backup into an empty data directory: whole, or not at all.',
  words: '<file>',
  options: { 'data-dir': DATA_DIR_OPTION },
  examples: ['padborg-2026-11-30.tar.zst', '--data-dir ./restored monday.tar.gz'],
} as const

async function restore({ words, texts }: Given<'data-dir'>): Promise<Outcome> {
  const file = oneFile(words)
  const dir = dataDirOf(texts['data-dir'])
  const { files, createdAt } = await restoreArchive(file, dir, createLog('error'))
  return {
    text: `Restored ${files.length} files of ${createdAt} into ${dir}; it can be started.`,
    json: { files: files.length, createdAt, dataDir: dir },
  }
}

if (import.meta.main) process.exit(await runCommand(COMMAND, process.argv.slice(2), restore))
