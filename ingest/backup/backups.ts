import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { BackupPort } from '#lib/runtime/backup/backup-port.ts'
import { PlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Caller } from '#lib/runtime/threads/rpc.ts'
import { planBackup, type BackupPlan, type PlanParts } from './backup-plan.ts'
import type { Frozen } from './freezer.ts'
import { backupFailed, sendBackup, type Sending } from './sending.ts'

export interface BackupOptions extends Pick<PlanParts, 'dataDir' | 'registryPath'> {
  /** Given up when nobody reads on for this long. */
  readonly stallMs: number
}

interface BackupDeps extends BackupOptions, PlanParts {
  readonly caller: Caller
  /** Why the store cannot be written; '' when it can. */
  problem(): string
  readonly log: Log
}

/** Where the files of a backup have their second names; on the disk of the data directory. */
const STAGE = 'backup.tmp'

/** Backups of a running platform, one at a time. */
export class Backups implements BackupPort {
  readonly #deps: BackupDeps
  readonly #stage: string
  /** Rejects at `close`; only a backup that is being prepared waits for it. */
  readonly #closing = Promise.withResolvers<never>()
  #sending: Sending | null = null
  #running: Promise<void> | null = null
  #isClosed = false

  constructor(deps: BackupDeps) {
    this.#deps = deps
    this.#stage = join(deps.dataDir, STAGE)
    rmSync(this.#stage, { recursive: true, force: true })
    this.#closing.promise.catch(() => undefined)
  }

  async begin(): Promise<Readable> {
    this.#checkMayBegin()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#running = promise
    const end = async () => {
      await this.#tidy()
      this.#sending = null
      this.#running = null
      resolve()
    }
    try {
      const plan = await this.#plan()
      if (this.#isClosed) throw closedError()
      return this.#send(plan, end)
    } catch (error) {
      await end()
      throw systemCodeOf(error) === '' ? error : backupFailed(messageOf(error), error)
    }
  }

  /** Ends one that is under way; none begins afterwards. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#closing.reject(closedError())
    this.#sending?.stop()
    await this.#running
  }

  #checkMayBegin(): void {
    if (this.#isClosed) throw closedError()
    const problem = this.#deps.problem()
    if (problem !== '') throw backupFailed(problem)
    if (!this.#running) return
    throw new PlatformError(
      'BACKUP_BUSY',
      'expected no other backup to be under way, there is one; wait until it has ended',
    )
  }

  #plan(): Promise<BackupPlan> {
    const { caller } = this.#deps
    // A store that fails meanwhile keeps the worker waiting; the end of the platform does not wait.
    const freeze = (dir: string) =>
      Promise.race([caller.call<Frozen>('freeze', dir), this.#closing.promise])
    return planBackup(this.#deps, this.#stage, freeze)
  }

  #send(plan: BackupPlan, end: () => Promise<void>): Readable {
    const { stallMs, log } = this.#deps
    this.#sending = sendBackup(plan, stallMs, end)
    const { output } = this.#sending
    output.once('error', (error) => log.warn({ err: error }, 'a backup was not finished'))
    return output
  }

  async #tidy(): Promise<void> {
    const { caller, log } = this.#deps
    try {
      rmSync(this.#stage, { recursive: true, force: true })
      await caller.call('thaw', null)
    } catch (error) {
      if (!this.#isClosed) log.warn({ err: error }, 'the end of a backup could not be tidied up')
    }
  }
}

function closedError(): PlatformError {
  return new PlatformError('CLOSED', 'the platform ends: no backup is made any more')
}
