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

/** How the journal goes on after a segment. */
interface Link {
  readonly segment: number
  /** Where the segment was sealed; null if only a scan can tell (its successor's header is bad). */
  readonly end: number | null
  /** The segment that follows. */
  readonly next: number
}

/** The segments of a folder, read synchronously; the journal may write to them meanwhile. */
export class ReaderFiles {
  readonly #dir: string
  readonly #id: string
  /** Neither changes once it is known to be right. */
  readonly #headers = new Map<number, SegmentHeader>()
  readonly #links = new Map<number, Link>()
  #open: { readonly segment: number; readonly fd: number } | null = null

  constructor(dir: string, id: string) {
    this.#dir = dir
    this.#id = id
  }

  list(): number[] {
    return segmentNumbers(fs.readdirSync(this.#dir))
  }

  /** Null when the segment is gone or its header is not right (yet). */
  header(segment: number): SegmentHeader | null {
    const known = this.#headers.get(segment)
    if (known) return known
    const read = decodeHeader(this.read(segment, 0, HEADER_BYTES).bytes, this.#id, segment)
    if (read.kind !== 'valid') return null
    this.#headers.set(segment, read.header)
    return read.header
  }

  /** Size of the file; 0 when it is gone. */
  size(segment: number): number {
    const fd = this.#descriptor(segment)
    return fd === null ? 0 : fs.fstatSync(fd).size
  }

  /** Fewer bytes than wanted at the end of the file; none when it is gone. */
  read(segment: number, offset: number, bytes: number): Slab {
    const fd = this.#descriptor(segment)
    if (fd === null) return createSlab(0)
    const slab = createSlab(bytes)
    let count = 0
    while (count < bytes) {
      const more = fs.readSync(fd, slab.bytes, count, bytes - count, offset + count)
      if (more === 0) return slabOf(slab.bytes.subarray(0, count))
      count += more
    }
    return slab
  }

  /**
   * What follows `segment` on the way to `last`, a segment that counts. Headers name the segment
   * before, so the way is found from its end. A segment that was abandoned or removed is on no way;
   * then the result is the first one after it.
   */
  linkAfter(segment: number, last: number): Link {
    const known = this.#links.get(segment)
    if (known) return known
    let next = last
    for (;;) {
      const { previous, end } = this.#before(next)
      if (previous < segment || previous === 0) return { segment, end: 0, next }
      const link = { segment: previous, end, next }
      this.#links.set(previous, link)
      if (previous === segment) return link
      next = previous
    }
  }

  close(): void {
    if (this.#open) fs.closeSync(this.#open.fd)
    this.#open = null
  }

  #before(segment: number): { readonly previous: number; readonly end: number | null } {
    const head = this.header(segment)
    if (head) return { previous: head.prevSegment, end: head.prevEnd }
    return { previous: this.list().findLast((other) => other < segment) ?? 0, end: null }
  }

  /** One file stays open: reading goes on where it was. */
  #descriptor(segment: number): number | null {
    if (this.#open?.segment === segment) return this.#open.fd
    this.close()
    try {
      const fd = fs.openSync(join(this.#dir, segmentName(segment)), 'r')
      this.#open = { segment, fd }
      return fd
    } catch (error) {
      // Consumed segments may go at any time.
      if (systemCodeOf(error) === 'ENOENT') return null
      throw error
    }
  }
}
