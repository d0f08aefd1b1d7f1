import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough, type Readable, type Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { SourceFile } from '#lib/runtime/backup/archive.ts'
import type { BackupPort } from '#lib/runtime/backup/backup-port.ts'
import { isoOf, type Clock } from '#lib/runtime/clock.ts'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Caller } from '#lib/runtime/threads/rpc.ts'
import { hardLink } from '#lib/runtime/files.ts'
import { copyDatabase } from '#lib/runtime/backup/sqlite-copy.ts'
import type { Parcel } from './backup-sender.ts'
import type { Frozen } from './freeze.ts'
import type { Journal } from '../journal/journal.ts'
import { segmentName, segmentNumbers } from '../journal/segments/segment-header.ts'

export interface Backups extends BackupPort {
  /** Ends one that is under way; none begins afterwards. */
  close(): Promise<void>
}

export interface BackupOptions {
  readonly dataDir: string
  /** Its keys lie beside it. */
  readonly registryPath: string
  /** Given up when nobody reads on for this long. */
  readonly stallMs: number
}

interface BackupDeps extends BackupOptions {
  readonly journal: Journal
  readonly caller: Caller
  /** Why the store cannot be written; '' when it can. */
  problem(): string
  readonly clock: Clock
  readonly log: Log
}

/** A checkpoint of DuckDB writes one of the three headers at the start of the file. */
const STORE_HEADER_BYTES = 3 * 4096
/** Where the files of a backup have their second names; on the disk of the data directory. */
const STAGE = 'backup.tmp'

type Sender = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * Backups of a running platform. First state and store of one position, then the journal up to a
 * later one, then the registry: a restored platform reads the journal from that position, as after a
 * crash, and knows every device in it.
 */
export function createBackups(deps: BackupDeps): Backups {
  const { dataDir, stallMs, caller, clock, log } = deps
  const stage = join(dataDir, STAGE)
  rmSync(stage, { recursive: true, force: true })
  let sender: Sender | null = null
  let running: Promise<void> | null = null
  let closed = false
  const { promise: closing, reject: stop } = Promise.withResolvers<never>()
  // It is looked at only while a backup is made ready.
  closing.catch(() => undefined)

  return {
    async begin() {
      if (closed) throw closedError()
      const problem = deps.problem()
      if (problem !== '') throw failed(problem)
      if (running) {
        throw new PlatformError(
          'BACKUP_BUSY',
          'expected no other backup to be under way, there is one; wait until it has ended',
        )
      }
      const { promise, resolve: ended } = Promise.withResolvers<void>()
      running = promise
      const end = async () => {
        await tidy()
        running = null
        ended()
      }
      try {
        return stream(await prepare(deps, stage), end)
      } catch (error) {
        await end()
        throw explained(error)
      }
    },
    async close() {
      closed = true
      stop(closedError())
      sender?.kill()
      await running
    },
  }

  function stream(parcel: Parcel, end: () => Promise<void>): Readable {
    if (closed) throw closedError()
    const script = fileURLToPath(new URL('./backup-sender.ts', import.meta.url))
    const child: Sender = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] })
    const output = new PassThrough()
    let problem = ''
    sender = child
    child.stderr.on('data', (chunk: Buffer) => (problem += chunk.toString()))
    child.stdin.on('error', (error) => (problem ||= messageOf(error)))
    child.once('error', (error) => (problem ||= messageOf(error)))
    const stalled = setTimeout(() => {
      output.destroy(failed(`nobody read on for ${stallMs / 1000} s`))
    }, stallMs)
    child.stdout.on('data', () => stalled.refresh())
    child.stdout.pipe(output, { end: false })
    output.once('error', (error) => log.warn({ err: error }, 'a backup was not finished'))
    // Whoever reads may go away: then nobody needs the rest.
    output.once('close', () => child.kill())
    child.once('close', (code) => {
      sender = null
      clearTimeout(stalled)
      void end().then(() => {
        if (code === 0) output.end()
        else output.destroy(failed(problem || 'its process was ended'))
      })
    })
    child.stdin.end(JSON.stringify(parcel))
    return output
  }

  async function tidy(): Promise<void> {
    try {
      rmSync(stage, { recursive: true, force: true })
      await caller.call('thaw', null)
    } catch (error) {
      if (!closed) log.warn({ err: error }, 'the end of a backup could not be tidied up')
    }
  }

  function explained(error: unknown): unknown {
    return systemCodeOf(error) === '' ? error : failed(messageOf(error), error)
  }

  async function prepare(given: BackupDeps, dir: string): Promise<Parcel> {
    rmSync(dir, { recursive: true, force: true })
    mkdirSync(dir, { mode: 0o700 })
    // A store that fails meanwhile keeps the worker waiting; the end of the platform does not wait.
    const frozen = await Promise.race([caller.call<Frozen>('freeze', dir), closing])
    const { durable } = given.journal
    const journal = stageJournal(dataDir, dir, durable)
    const { registryPath } = given
    const databases = { 'registry.db': registryPath, 'broker.db': join(dataDir, 'broker.db') }
    for (const [name, path] of Object.entries(databases)) {
      if (existsSync(path)) await copyDatabase(path, join(dir, name)).run()
    }
    const sources = [
      ...filesOf(dir, ['ingest.db', 'registry.db', 'broker.db']),
      ...filesOf(dirname(registryPath), ['admin-key', 'pseudonym-secret']),
      ...filesOf(
        dir,
        frozen.store.map((name) => `store/${name}`),
      ).map((file) => ({ ...file, steadyBytes: STORE_HEADER_BYTES })),
      ...filesOf(dataDir, ['journal/journal.json']),
      ...journal,
    ]
    const head = {
      createdAt: isoOf(clock.nowNs()),
      journal: given.journal.id,
      position: frozen.position,
      durable: durable.position,
    }
    return { head, sources }
  }
}

function filesOf(dir: string, names: readonly string[]): SourceFile[] {
  return names.flatMap((name) => {
    const path = join(dir, name)
    const found = statSync(path, { throwIfNoEntry: false })
    return found ? [{ name, path, bytes: found.size }] : []
  })
}

/**
 * Second names for the segments up to what is durable, the newest first: those that retention
 * removes meanwhile are the oldest, so that no gap comes about.
 */
function stageJournal(
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

function closedError(): PlatformError {
  return new PlatformError('CLOSED', 'the platform ends: no backup is made any more')
}

function failed(problem: string, cause?: unknown): PlatformError {
  return new PlatformError(
    'BACKUP_FAILED',
    `expected the backup to be read to its end, got: ${problem}; begin again`,
    { cause },
  )
}
