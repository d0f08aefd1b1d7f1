import { parseArgs } from 'node:util'
import { createLog } from '#lib/runtime/log.ts'
import { restoreArchive } from '#lib/runtime/backup/restore.ts'
import { dataDirOf, runTool } from './local-platform.ts'

const USAGE = `npm run restore -- <file> [--data-dir DIR]

Restores a backup into an empty data directory: whole, or not at all.
`

async function restore(): Promise<string | readonly string[]> {
  const { values, positionals } = parseArgs({
    options: { 'data-dir': { type: 'string' } },
    allowPositionals: true,
  })
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) {
    return [`expected one file, got ${positionals.length}`]
  }
  const dir = dataDirOf(values['data-dir'])
  const { files, createdAt } = await restoreArchive(file, dir, createLog('error'))
  return `Restored ${files.length} files of ${createdAt} into ${dir}; it can be started.`
}

if (import.meta.main) process.exit(await runTool(USAGE, restore))
