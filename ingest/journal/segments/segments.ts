import { join } from 'node:path'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Log } from '#lib/runtime/log.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import type { FileLayer, LayerFile } from '../files/file-layer.ts'
import type { Identity } from '../identity.ts'
import type { Batch } from '../append/pending.ts'
import { sealGroup } from '../record.ts'
import type { Retention, StoredSegment } from './retention.ts'
import { encodeHeader, HEADER_BYTES, seedOf, segmentName } from './segment-header.ts'
import type { Spare } from './spare.ts'

/** The end of what is durable. */
export interface End {
  readonly segment: number
  readonly offset: number
}

/** Writes groups to segments, one after the other. */
export interface Segments {
  readonly end: End
  readonly syncs: number
  readonly failedSyncs: number
  /** Writes a group; resolves when it is durable. After a rejection call `abandon`. */
  write(batch: Batch): Promise<void>
  /**
   * Gives the current segment up after a failed write or sync. What was durable of it stays; the
   * next write begins a new segment, whose header says where this one ended.
   */
  abandon(): Promise<void>
  close(): Promise<void>
}

export interface SegmentsDeps {
  readonly fileLayer: FileLayer
  readonly clock: Clock
  readonly log: Log
  readonly spare: Spare
  readonly retention: Retention
}

export interface SegmentsOptions {
  readonly dir: string
  readonly identity: Identity
  readonly segmentBytes: number
  /** Where the recovery ended, and what comes next. */
  readonly end: End
  readonly nextSegment: number
  readonly lastGroup: number
  /** False breaks the promise, so that a test can see itself turn red. */
  readonly sync: boolean
}

interface Current {
  readonly segment: number
  readonly path: string
  readonly file: LayerFile
  readonly seed: number
  readonly isPreallocated: boolean
  /** Behind the last durable group; HEADER_BYTES when there is none yet. */
  end: number
  /** Null until the first group is durable: only then the segment counts. */
  stored: StoredSegment | null
}

export function createSegments(deps: SegmentsDeps, options: SegmentsOptions): Segments {
  const { fileLayer, clock, log, spare, retention } = deps
  const { dir, identity, segmentBytes } = options
  let current: Current | null = null
  let end = options.end
  let nextSegment = options.nextSegment
  let lastGroup = options.lastGroup
  let syncs = 0
  let failedSyncs = 0

  return {
    get end() {
      return end
    },
    get syncs() {
      return syncs
    },
    get failedSyncs() {
      return failedSyncs
    },
    write,
    abandon,
    async close() {
      await current?.file.close()
      current = null
    },
  }

  async function write(batch: Batch): Promise<void> {
    if (current && !takesMore(current, batch.used)) await seal(current)
    const segment = (current ??= await begin())
    lastGroup += 1
    sealGroup(batch.slab, batch.used, { group: lastGroup, seed: segment.seed })
    if (!segment.stored) await segment.file.write(headerOf(segment, batch.firstPosition), 0)
    await persist(segment, batch.slab.bytes.subarray(0, batch.used))
    segment.end += batch.used
    end = { segment: segment.segment, offset: segment.end }
    list(segment, batch.firstPosition + batch.dones.length - 1)
  }

  /** A segment that had to grow gives way as soon as a preallocated one is ready. */
  function takesMore(segment: Current, bytes: number): boolean {
    if (!segment.stored) return true
    if (!segment.isPreallocated && spare.ready) return false
    return segment.end + bytes <= segmentBytes
  }

  async function seal(segment: Current): Promise<void> {
    current = null
    await segment.file.close()
  }

  /** Never a file of an earlier attempt: after a failed sync its pages may pass as clean. */
  async function begin(): Promise<Current> {
    const segment = nextSegment
    nextSegment += 1
    const path = join(dir, segmentName(segment))
    const isPreallocated = await spare.take(path)
    const file = await open(path, isPreallocated)
    const seed = seedOf(identity, segment)
    const begun = { segment, path, file, seed, isPreallocated, end: HEADER_BYTES, stored: null }
    current = begun
    await fileLayer.syncDir(dir)
    return begun
  }

  async function open(path: string, isPreallocated: boolean): Promise<LayerFile> {
    try {
      return await fileLayer.open(path, isPreallocated ? 'existing' : 'create')
    } catch (error) {
      if (isPreallocated) await remove(path)
      throw error
    }
  }

  function headerOf({ segment }: Current, firstPosition: number): Buffer {
    return encodeHeader({
      journal: identity.id,
      segment,
      firstPosition,
      firstGroup: lastGroup,
      prevSegment: end.segment,
      prevEnd: end.offset,
      createdAtNs: clock.nowNs(),
    })
  }

  async function persist({ file, end: at }: Current, bytes: Uint8Array): Promise<void> {
    if (!options.sync) return file.write(bytes, at)
    try {
      await file.writeDurably(bytes, at)
      syncs += 1
    } catch (error) {
      failedSyncs += 1
      throw error
    }
  }

  function list(segment: Current, lastPosition: number): void {
    const allocated = segment.isPreallocated ? segmentBytes : 0
    const bytes = Math.max(segment.end, allocated)
    if (segment.stored) {
      segment.stored.lastPosition = lastPosition
      segment.stored.bytes = bytes
      return
    }
    segment.stored = { segment: segment.segment, lastPosition, bytes, endedAtNs: null }
    retention.add(segment.stored)
    spare.prepare()
  }

  async function abandon(): Promise<void> {
    const segment = current
    current = null
    if (!segment) return
    const { path, file, stored, end } = segment
    // The header of the next segment is what counts; cutting here as well frees the space at once
    // and helps those who look at the file.
    if (stored) {
      await attempt(path, async () => {
        await file.truncate(end)
        stored.bytes = end
      })
    } else await remove(path)
    await attempt(path, () => file.close())
  }

  function remove(path: string): Promise<void> {
    return attempt(path, () => fileLayer.unlink(path))
  }

  /** What cannot be tidied up now is no harm: the next start does it. */
  async function attempt(path: string, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      log.debug({ path, reason: messageOf(error) }, 'an abandoned segment was not tidied up')
    }
  }
}
