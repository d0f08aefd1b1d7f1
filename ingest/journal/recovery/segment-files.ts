import { join } from 'node:path'
import type { FileLayer, LayerFile } from '../files/file-layer.ts'
import type { Identity } from '../identity.ts'
import { scan, type ReadRequest, type Scanned, type Visit } from '../reading/scan.ts'
import {
  decodeHeader,
  encodeHeader,
  HEADER_BYTES,
  seedOf,
  segmentName,
  type HeaderRead,
  type SegmentHeader,
} from '../segments/segment-header.ts'
import { createSlab, slabOf, type Slab } from '../segments/slab.ts'

/** A segment as it lies in the folder. */
export interface SegmentFile {
  readonly segment: number
  readonly bytes: number
  readonly head: HeaderRead
}

const WINDOW_BYTES = 4 * 1024 * 1024
const MIN_SLAB_BYTES = 64 * 1024

/** Reads and changes segments that an earlier process left. */
export class SegmentFiles {
  readonly #fileLayer: FileLayer
  readonly #dir: string
  readonly #identity: Identity
  #slab = createSlab(MIN_SLAB_BYTES)

  constructor(fileLayer: FileLayer, dir: string, identity: Identity) {
    this.#fileLayer = fileLayer
    this.#dir = dir
    this.#identity = identity
  }

  inspect(segment: number): Promise<SegmentFile> {
    return this.#withFile(segment, async (file) => {
      const bytes = await file.size()
      const head = Buffer.alloc(Math.min(bytes, HEADER_BYTES))
      await file.read(head, 0)
      return { segment, bytes, head: decodeHeader(head, this.#identity.id, segment) }
    })
  }

  /** Looks through the records before an end. */
  scan(segment: number, end: number, visit: Visit): Promise<Scanned> {
    return this.#withFile(segment, async (file) => {
      const seed = seedOf(this.#identity, segment)
      const section = { start: HEADER_BYTES, end, seed, windowBytes: WINDOW_BYTES }
      const steps = scan(section, visit)
      let step = steps.next()
      while (!step.done) step = steps.next(await this.#readInto(file, step.value))
      return step.value
    })
  }

  /** Writes bytes of the file once more and syncs them. */
  rewrite(segment: number, start: number, end: number): Promise<void> {
    return this.#withFile(segment, async (file) => {
      for (let offset = start; offset < end;) {
        const wanted = Math.min(WINDOW_BYTES, end - offset)
        const { bytes } = await this.#readInto(file, { offset, bytes: wanted })
        if (bytes.length === 0) break
        await file.write(bytes, offset)
        offset += bytes.length
      }
      await file.datasync()
    })
  }

  /** Writes the header of a segment and syncs it. */
  writeHeader(header: SegmentHeader): Promise<void> {
    return this.#withFile(header.segment, async (file) => {
      await file.write(encodeHeader(header), 0)
      await file.datasync()
    })
  }

  /** Cuts a segment and syncs it. */
  cut(segment: number, bytes: number): Promise<void> {
    return this.#withFile(segment, async (file) => {
      await file.truncate(bytes)
      await file.datasync()
    })
  }

  remove(segment: number): Promise<void> {
    return this.#fileLayer.unlink(join(this.#dir, segmentName(segment)))
  }

  async #withFile<T>(segment: number, use: (file: LayerFile) => Promise<T>): Promise<T> {
    const file = await this.#fileLayer.open(join(this.#dir, segmentName(segment)), 'existing')
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  }

  /** Into one piece of memory that is used again. */
  async #readInto(file: LayerFile, { offset, bytes }: ReadRequest): Promise<Slab> {
    if (this.#slab.bytes.length < bytes) this.#slab = createSlab(bytes)
    const wanted = this.#slab.bytes.subarray(0, bytes)
    const count = await file.read(wanted, offset)
    return slabOf(wanted.subarray(0, count))
  }
}
