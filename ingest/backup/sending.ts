import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { BackupPlan } from './backup-plan.ts'

type Sender = ChildProcessByStdio<Writable, Readable, Readable>

/** The archive of a backup on its way to its reader, from a process of its own. */
export interface Sending {
  readonly output: Readable
  stop(): void
}

/** Gives up when nobody reads on for `stallMs`. `tidy` runs before the output ends. */
export function sendBackup(plan: BackupPlan, stallMs: number, tidy: () => Promise<void>): Sending {
  const script = fileURLToPath(new URL('./backup-sender.ts', import.meta.url))
  const sender: Sender = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] })
  const output = new PassThrough()
  const problem = problemOf(sender)
  const stalled = setTimeout(() => {
    output.destroy(backupFailed(`nobody read on for ${stallMs / 1000} s`))
  }, stallMs)
  sender.stdout.on('data', () => stalled.refresh())
  sender.stdout.pipe(output, { end: false })
  // Whoever reads may go away: then nobody needs the rest.
  output.once('close', () => sender.kill())
  sender.once('close', (code) => {
    clearTimeout(stalled)
    void tidy().then(() => {
      if (code === 0) output.end()
      else output.destroy(backupFailed(problem() || 'its process was ended'))
    })
  })
  sender.stdin.end(JSON.stringify(plan))
  return { output, stop: () => void sender.kill() }
}

export function backupFailed(problem: string, cause?: unknown): PlatformError {
  return new PlatformError(
    'BACKUP_FAILED',
    `expected the backup to be read to its end, got: ${problem}; begin again`,
    { cause },
  )
}

/** What went wrong with the process, as far as it reports. */
function problemOf(sender: Sender): () => string {
  let problem = ''
  sender.stderr.on('data', (chunk: Buffer) => (problem += chunk.toString()))
  sender.stdin.on('error', (error) => (problem ||= messageOf(error)))
  sender.once('error', (error) => (problem ||= messageOf(error)))
  return () => problem
}
