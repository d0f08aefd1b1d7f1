import { createLog } from '#lib/runtime/log.ts'
import { restoreArchive } from '#lib/runtime/backup/restore.ts'
import { fileArguments, runTool } from './local-platform.ts'

const USAGE = `npm run restore -- <file> [--data-dir DIR]

Restores a backup into an empty data directory: whole, or not at all.
`

async function restore(): Promise<string | readonly string[]> {
  const given = fileArguments()
  if (Array.isArray(given)) return given
  const { file, dir } = given
  const { files, createdAt } = await restoreArchive(file, dir, createLog('error'))
  return `Restored ${files.length} files of ${createdAt} into ${dir}; it can be started.`
}

if (import.meta.main) process.exit(await runTool(USAGE, restore))
