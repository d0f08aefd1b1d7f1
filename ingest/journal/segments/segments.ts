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

interface SegmentsDeps {
  readonly fileLayer: FileLayer
  readonly clock: Clock
  readonly log: Log
  readonly spare: Spare
  readonly retention: Retention
}

interface SegmentsOptions {
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
  /** End of the last durable group; HEADER_BYTES when there is none yet. */
  end: number
  /** Null until the first group is durable: only then the segment counts. */
  stored: StoredSegment | null
}

/** Writes groups to segments, one after the other. */
export class Segments {
  readonly #deps: SegmentsDeps
  readonly #options: SegmentsOptions
  #current: Current | null = null
  #end: End
  #nextSegment: number
  #lastGroup: number
  #syncs = 0
  #failedSyncs = 0

  constructor(deps: SegmentsDeps, options: SegmentsOptions) {
    this.#deps = deps
    this.#options = options
    this.#end = options.end
    this.#nextSegment = options.nextSegment
    this.#lastGroup = options.lastGroup
  }

  get end(): End {
    return this.#end
  }

  get syncs(): number {
    return this.#syncs
  }

  get failedSyncs(): number {
    return this.#failedSyncs
  }

  /** Writes a group; resolves when it is durable. After a rejection call `abandon`. */
  async write(batch: Batch): Promise<void> {
    if (this.#current && !this.#takesMore(this.#current, batch.used)) await this.close()
    const segment = (this.#current ??= await this.#begin())
    this.#lastGroup += 1
    sealGroup(batch.slab, batch.used, { group: this.#lastGroup, seed: segment.seed })
    if (!segment.stored) await segment.file.write(this.#header(segment, batch.firstPosition), 0)
    await this.#persist(segment, batch.slab.bytes.subarray(0, batch.used))
    segment.end += batch.used
    this.#end = { segment: segment.segment, offset: segment.end }
    this.#list(segment, batch.firstPosition + batch.dones.length - 1)
  }

  /**
   * Gives the current segment up after a failed write or sync. What was durable of it stays; the
   * next write begins a new segment, whose header says where this one ended.
   */
  async abandon(): Promise<void> {
    const segment = this.#current
    this.#current = null
    if (!segment) return
    const { path, file, stored, end } = segment
    // The header of the next segment is what counts; cutting here as well frees the space at once
    // and helps those who look at the file.
    if (stored) {
      await this.#attempt(path, async () => {
        await file.truncate(end)
        stored.bytes = end
      })
    } else await this.#remove(path)
    await this.#attempt(path, () => file.close())
  }

  async close(): Promise<void> {
    const segment = this.#current
    this.#current = null
    await segment?.file.close()
  }

  /** A segment that had to grow gives way as soon as a preallocated one is ready. */
  #takesMore(segment: Current, bytes: number): boolean {
    if (!segment.stored) return true
    if (!segment.isPreallocated && this.#deps.spare.ready) return false
    return segment.end + bytes <= this.#options.segmentBytes
  }

  /** Never a file of an earlier attempt: after a failed sync its pages may pass as clean. */
  async #begin(): Promise<Current> {
    const { dir, identity } = this.#options
    const segment = this.#nextSegment
    this.#nextSegment += 1
    const path = join(dir, segmentName(segment))
    const isPreallocated = await this.#deps.spare.take(path)
    const file = await this.#open(path, isPreallocated)
    const seed = seedOf(identity, segment)
    const begun = { segment, path, file, seed, isPreallocated, end: HEADER_BYTES, stored: null }
    // Before the folder is synced: when that fails, `abandon` removes the file.
    this.#current = begun
    await this.#deps.fileLayer.syncDir(dir)
    return begun
  }

  async #open(path: string, isPreallocated: boolean): Promise<LayerFile> {
    try {
      return await this.#deps.fileLayer.open(path, isPreallocated ? 'existing' : 'create')
    } catch (error) {
      if (isPreallocated) await this.#remove(path)
      throw error
    }
  }

  #header({ segment }: Current, firstPosition: number): Buffer {
    return encodeHeader({
      journal: this.#options.identity.id,
      segment,
      firstPosition,
      firstGroup: this.#lastGroup,
      prevSegment: this.#end.segment,
      prevEnd: this.#end.offset,
      createdAtNs: this.#deps.clock.nowNs(),
    })
  }

  async #persist({ file, end: at }: Current, bytes: Uint8Array): Promise<void> {
    if (!this.#options.sync) return file.write(bytes, at)
    try {
      await file.writeDurably(bytes, at)
      this.#syncs += 1
    } catch (error) {
      this.#failedSyncs += 1
      throw error
    }
  }

  #list(segment: Current, lastPosition: number): void {
    const allocated = segment.isPreallocated ? this.#options.segmentBytes : 0
    const bytes = Math.max(segment.end, allocated)
    if (segment.stored) {
      segment.stored.lastPosition = lastPosition
      segment.stored.bytes = bytes
      return
    }
    segment.stored = { segment: segment.segment, lastPosition, bytes, endedAtNs: null }
    this.#deps.retention.add(segment.stored)
    this.#deps.spare.prepare()
  }

  #remove(path: string): Promise<void> {
    return this.#attempt(path, () => this.#deps.fileLayer.unlink(path))
  }

  /** What cannot be tidied up now does no harm: the next start does it. */
  async #attempt(path: string, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (error) {
      const reason = messageOf(error)
      this.#deps.log.debug({ path, reason }, 'an abandoned segment was not tidied up')
    }
  }
}
