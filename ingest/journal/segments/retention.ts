import { join } from 'node:path'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
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

/** Knows the durable segments, and lets the consumed ones go, oldest first. */
export interface Retention {
  readonly bytes: number
  readonly segments: number
  /** Adds the newest segment; the one before it has ended. */
  add(segment: StoredSegment): void
  /** Everything at or below is in the store. */
  release(position: number): void
  /** Removes what is due; resolves when that is done. */
  sweep(): Promise<void>
  /** Removes consumed segments before their time, until about `bytes` are free; answers how many. */
  makeRoom(bytes: number): Promise<number>
}

export interface RetentionOptions {
  readonly dir: string
  readonly keepBytes: number
  readonly keepHours: number
  readonly freeBytes: number
  readonly released: number
}

const HOUR_MS = 3_600_000

export function createRetention(
  deps: { readonly fileLayer: FileLayer; readonly clock: Clock; readonly log: Log },
  options: RetentionOptions,
): Retention {
  const { fileLayer, clock, log } = deps
  const { dir, keepBytes, keepHours, freeBytes } = options
  const keepNs = BigInt(Math.round(keepHours * HOUR_MS)) * 1_000_000n
  const stored: StoredSegment[] = []
  let released = options.released
  // One removal at a time: sweeps and calls for room follow each other.
  let work: Promise<unknown> = Promise.resolve()

  return {
    get bytes() {
      return stored.reduce((sum, { bytes }) => sum + bytes, 0)
    },
    get segments() {
      return stored.length
    },
    add(segment) {
      const last = stored.at(-1)
      if (last) last.endedAtNs ??= clock.nowNs()
      stored.push(segment)
    },
    release(position) {
      released = Math.max(released, position)
    },
    sweep: () => inTurn(async () => void (await removeWhile(isDue))),
    makeRoom: (bytes) =>
      inTurn(async () => {
        let freed = 0
        return await removeWhile((oldest) => {
          if (freed >= bytes) return false
          freed += oldest.bytes
          return true
        })
      }),
  }

  function inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = work.then(step)
    work = turn.catch(() => undefined)
    return turn
  }

  async function isDue(oldest: StoredSegment): Promise<boolean> {
    if (clock.nowNs() - (oldest.endedAtNs ?? clock.nowNs()) > keepNs) return true
    const consumed = stored.filter(isConsumed).reduce((sum, { bytes }) => sum + bytes, 0)
    if (consumed > keepBytes) return true
    return freeBytes > 0 && (await fileLayer.freeBytes(dir)) < freeBytes
  }

  /** The newest segment always stays: its positions are the only memory of how far they went. */
  function isConsumed(segment: StoredSegment): boolean {
    return segment.lastPosition <= released && segment !== stored.at(-1)
  }

  async function removeWhile(
    mayGo: (oldest: StoredSegment) => boolean | Promise<boolean>,
  ): Promise<number> {
    let removed = 0
    try {
      try {
        for (;;) {
          const oldest = stored[0]
          if (!oldest || !isConsumed(oldest) || !(await mayGo(oldest))) break
          await unlink(join(dir, segmentName(oldest.segment)))
          stored.shift()
          removed += 1
        }
      } finally {
        if (removed > 0) await fileLayer.syncDir(dir)
      }
    } catch (error) {
      log.warn(
        { err: error },
        `consumed journal segments could not be removed: ${messageOf(error)}`,
      )
    }
    return removed
  }

  async function unlink(path: string): Promise<void> {
    try {
      await fileLayer.unlink(path)
    } catch (error) {
      // Somebody else removed it: that must not keep the others.
      if (systemCodeOf(error) !== 'ENOENT') throw error
    }
  }
}
