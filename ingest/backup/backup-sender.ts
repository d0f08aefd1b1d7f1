import { constants, setPriority } from 'node:os'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import { archiveOf } from '#lib/runtime/backup/archive.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import type { BackupPlan } from './backup-plan.ts'

/**
 * Writes an archive to standard output, in a process of its own: hashing must not take time from the
 * thread that acknowledges messages, and closing a file of DuckDB would drop the locks of the
 * process that has it open (POSIX, fcntl).
 */
async function send(): Promise<void> {
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  // Written by `sending.ts`.
  const { head, sources } = JSON.parse(await text(process.stdin)) as BackupPlan
  await pipeline(Readable.from(archiveOf(head, sources)), process.stdout)
}

if (import.meta.main) {
  try {
    await send()
  } catch (error) {
    process.stderr.write(messageOf(error))
    process.exitCode = 1
  }
}
