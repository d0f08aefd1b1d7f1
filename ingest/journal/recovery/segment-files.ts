import { join } from 'node:path'
import type { FileLayer, LayerFile } from '../files/file-layer.ts'
import type { Identity } from '../identity.ts'
import { scan, type Scanned, type Visit } from '../reading/scan.ts'
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

/** Reads and changes segments that an earlier process left. */
export interface SegmentFiles {
  inspect(segment: number): Promise<SegmentFile>
  /** Looks through the records before an end. */
  scan(segment: number, end: number, visit: Visit): Promise<Scanned>
  /** Writes bytes of the file once more and syncs them. */
  rewrite(segment: number, start: number, end: number): Promise<void>
  /** Writes the header of a segment and syncs it. */
  writeHeader(header: SegmentHeader): Promise<void>
  /** Cuts a segment and syncs it. */
  cut(segment: number, bytes: number): Promise<void>
  remove(segment: number): Promise<void>
}

export function createSegmentFiles(
  fileLayer: FileLayer,
  dir: string,
  identity: Identity,
): SegmentFiles {
  let slab = createSlab(64 * 1024)

  return {
    inspect: (segment) =>
      withFile(segment, async (file) => {
        const bytes = await file.size()
        const head = Buffer.alloc(Math.min(bytes, HEADER_BYTES))
        await file.read(head, 0)
        return { segment, bytes, head: decodeHeader(head, identity.id, segment) }
      }),
    scan: (segment, end, visit) =>
      withFile(segment, async (file) => {
        const seed = seedOf(identity, segment)
        const stretch = { start: HEADER_BYTES, end, seed, windowBytes: WINDOW_BYTES }
        const steps = scan(stretch, visit)
        let step = steps.next()
        while (!step.done) step = steps.next(await readInto(file, step.value))
        return step.value
      }),
    rewrite: (segment, start, end) =>
      withFile(segment, async (file) => {
        for (let at = start; at < end;) {
          const { bytes } = await readInto(file, {
            offset: at,
            bytes: Math.min(WINDOW_BYTES, end - at),
          })
          if (bytes.length === 0) break
          await file.write(bytes, at)
          at += bytes.length
        }
        await file.datasync()
      }),
    writeHeader: (header) =>
      withFile(header.segment, async (file) => {
        await file.write(encodeHeader(header), 0)
        await file.datasync()
      }),
    cut: (segment, bytes) =>
      withFile(segment, async (file) => {
        await file.truncate(bytes)
        await file.datasync()
      }),
    remove: (segment) => fileLayer.unlink(join(dir, segmentName(segment))),
  }

  async function withFile<T>(segment: number, use: (file: LayerFile) => Promise<T>): Promise<T> {
    const file = await fileLayer.open(join(dir, segmentName(segment)), 'existing')
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  }

  /** Into one piece of memory that is used again. */
  async function readInto(
    file: LayerFile,
    { offset, bytes }: { readonly offset: number; readonly bytes: number },
  ): Promise<Slab> {
    if (slab.bytes.length < bytes) slab = createSlab(bytes)
    const wanted = slab.bytes.subarray(0, bytes)
    const count = await file.read(wanted, offset)
    return slabOf(wanted.subarray(0, count))
  }
}
