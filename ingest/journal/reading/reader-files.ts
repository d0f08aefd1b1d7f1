import * as fs from 'node:fs'
import { join } from 'node:path'
import { systemCodeOf } from '#lib/runtime/errors.ts'
import {
  decodeHeader,
  HEADER_BYTES,
  segmentName,
  segmentNumbers,
  type SegmentHeader,
} from '../segments/segment-header.ts'
import { createSlab, slabOf, type Slab } from '../segments/slab.ts'

/** How the journal goes on behind a segment. */
export interface Link {
  readonly segment: number
  /** Where the segment was sealed; null if only a scan can tell (its successor's header is bad). */
  readonly end: number | null
  /** The segment that follows. */
  readonly next: number
}

/** The segments of a folder, read synchronously; the journal may write to them meanwhile. */
export interface ReaderFiles {
  list(): number[]
  /** Null when the segment is gone or its header is not right (yet). */
  header(segment: number): SegmentHeader | null
  /** Size of the file; 0 when it is gone. */
  size(segment: number): number
  read(segment: number, offset: number, bytes: number): Slab
  /** What follows `segment` on the way to `last`, a segment that counts. */
  linkAfter(segment: number, last: number): Link
  close(): void
}

export function createReaderFiles(dir: string, id: string): ReaderFiles {
  // Both never change once they are known to be right.
  const headers = new Map<number, SegmentHeader>()
  const links = new Map<number, Link>()
  let open: { readonly segment: number; readonly fd: number } | null = null

  return { list, header, size, read, linkAfter, close }

  function list(): number[] {
    return segmentNumbers(fs.readdirSync(dir))
  }

  function header(segment: number): SegmentHeader | null {
    const known = headers.get(segment)
    if (known) return known
    if (descriptor(segment) === null) return null
    const read = decodeHeader(readBytes(segment, 0, HEADER_BYTES).bytes, id, segment)
    if (read.kind !== 'valid') return null
    headers.set(segment, read.header)
    return read.header
  }

  function size(segment: number): number {
    const fd = descriptor(segment)
    return fd === null ? 0 : fs.fstatSync(fd).size
  }

  function read(segment: number, offset: number, bytes: number): Slab {
    return descriptor(segment) === null ? createSlab(0) : readBytes(segment, offset, bytes)
  }

  /**
   * Headers name the segment before, so the way is found from its end. A segment that was abandoned
   * or removed is on no way; then the answer is the first one behind it.
   */
  function linkAfter(segment: number, last: number): Link {
    const known = links.get(segment)
    if (known) return known
    let next = last
    for (;;) {
      const { previous, end } = before(next)
      if (previous < segment || previous === 0) return { segment, end: 0, next }
      const link = { segment: previous, end, next }
      links.set(previous, link)
      if (previous === segment) return link
      next = previous
    }
  }

  function before(segment: number): { readonly previous: number; readonly end: number | null } {
    const head = header(segment)
    if (head) return { previous: head.prevSegment, end: head.prevEnd }
    return { previous: list().findLast((other) => other < segment) ?? 0, end: null }
  }

  function readBytes(segment: number, offset: number, bytes: number): Slab {
    const fd = descriptor(segment)
    const slab = createSlab(bytes)
    if (fd === null) return createSlab(0)
    let count = 0
    while (count < bytes) {
      const more = fs.readSync(fd, slab.bytes, count, bytes - count, offset + count)
      if (more === 0) return slabOf(slab.bytes.subarray(0, count))
      count += more
    }
    return slab
  }

  /** One file stays open: reading goes on where it was. */
  function descriptor(segment: number): number | null {
    if (open?.segment === segment) return open.fd
    close()
    try {
      open = { segment, fd: fs.openSync(join(dir, segmentName(segment)), 'r') }
      return open.fd
    } catch (error) {
      // Consumed segments may go at any time.
      if (systemCodeOf(error) === 'ENOENT') return null
      throw error
    }
  }

  function close(): void {
    if (open) fs.closeSync(open.fd)
    open = null
  }
}
