import { join } from 'node:path'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { JournalSettings } from '#lib/runtime/settings/ingest-settings.ts'
import { messageOf, systemCodeOf } from '#lib/runtime/errors.ts'
import type { FileLayer } from '../files/file-layer.ts'
import { segmentName } from './segment-header.ts'

/** A segment that holds durable records. */
export interface StoredSegment {
  readonly segment: number
  lastPosition: number
  bytes: number
  /** Wall clock when the next one was begun; null while it is the newest. */
  endedAtNs: bigint | null
}

interface RetentionOptions extends Pick<JournalSettings, 'keepBytes' | 'keepHours' | 'freeBytes'> {
  readonly dir: string
  readonly released: number
}

interface RetentionDeps {
  readonly fileLayer: FileLayer
  readonly clock: Clock
  readonly log: Log
}

const HOUR_MS = 3_600_000

/** Knows the durable segments, and removes the consumed ones, oldest first. */
export class Retention {
  readonly #deps: RetentionDeps
  readonly #options: RetentionOptions
  readonly #keepNs: bigint
  readonly #stored: StoredSegment[] = []
  #released: number
  #areOldKept = false
  /** One removal at a time: sweeps and calls for room follow each other. */
  #work: Promise<unknown> = Promise.resolve()

  constructor(deps: RetentionDeps, options: RetentionOptions) {
    this.#deps = deps
    this.#options = options
    this.#released = options.released
    this.#keepNs = BigInt(Math.round(options.keepHours * HOUR_MS)) * 1_000_000n
  }

  get bytes(): number {
    return this.#stored.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get segments(): number {
    return this.#stored.length
  }

  /** Adds the newest segment; the one before it has ended. */
  add(segment: StoredSegment): void {
    const last = this.#stored.at(-1)
    if (last) last.endedAtNs ??= this.#deps.clock.nowNs()
    this.#stored.push(segment)
  }

  /** Everything at or below is in the store. */
  release(position: number): void {
    this.#released = Math.max(this.#released, position)
  }

  keepOld(isKept: boolean): void {
    this.#areOldKept = isKept
  }

  /** Removes what is due; resolves when that is done. */
  async sweep(): Promise<void> {
    await this.#inTurn(() => this.#removeWhile((oldest) => this.#isDue(oldest)))
  }

  /** Removes consumed segments before their time, until about `bytes` are free; returns how many. */
  makeRoom(bytes: number): Promise<number> {
    return this.#inTurn(() => {
      let freed = 0
      return this.#removeWhile((oldest) => {
        if (freed >= bytes) return false
        freed += oldest.bytes
        return true
      })
    })
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#work.then(step)
    this.#work = turn.catch(() => undefined)
    return turn
  }

  async #isDue(oldest: StoredSegment): Promise<boolean> {
    const { clock, fileLayer } = this.#deps
    const { dir, keepBytes, freeBytes } = this.#options
    const ageNs = clock.nowNs() - (oldest.endedAtNs ?? clock.nowNs())
    if (ageNs > this.#keepNs && !this.#areOldKept) return true
    let consumedBytes = 0
    for (const segment of this.#stored)
      if (this.#isConsumed(segment)) consumedBytes += segment.bytes
    if (consumedBytes > keepBytes) return true
    return freeBytes > 0 && (await fileLayer.freeBytes(dir)) < freeBytes
  }

  /** The newest segment always stays: its positions are the only record of how far they went. */
  #isConsumed(segment: StoredSegment): boolean {
    return segment.lastPosition <= this.#released && segment !== this.#stored.at(-1)
  }

  async #removeWhile(
    mayGo: (oldest: StoredSegment) => boolean | Promise<boolean>,
  ): Promise<number> {
    const { fileLayer, log } = this.#deps
    const { dir } = this.#options
    let removed = 0
    try {
      try {
        for (;;) {
          const oldest = this.#stored[0]
          if (!oldest || !this.#isConsumed(oldest) || !(await mayGo(oldest))) break
          await this.#unlink(join(dir, segmentName(oldest.segment)))
          this.#stored.shift()
          removed += 1
        }
      } finally {
        if (removed > 0) await fileLayer.syncDir(dir)
      }
    } catch (error) {
      const reason = messageOf(error)
      log.warn({ err: error }, `consumed journal segments could not be removed: ${reason}`)
    }
    return removed
  }

  async #unlink(path: string): Promise<void> {
    try {
      await this.#deps.fileLayer.unlink(path)
    } catch (error) {
      // Somebody else removed it: that must not keep the others.
      if (systemCodeOf(error) !== 'ENOENT') throw error
    }
  }
}
