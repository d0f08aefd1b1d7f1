import { checkRecord, endsGroupAt, groupAt, nextCandidate, positionAt } from '../record.ts'
import type { Slab } from '../segments/slab.ts'

/** A section of a segment that is scanned. */
export interface Section {
  readonly start: number
  /** Where the segment was sealed, or the size of the file. */
  readonly end: number
  readonly seed: number
  /** Bytes that are read at once, a multiple of 8; more only for a longer record. */
  readonly windowBytes: number
}

/** Valid records without a gap between them. */
export interface Run {
  readonly start: number
  end: number
  readonly firstPosition: number
  lastPosition: number
  readonly firstGroup: number
  lastGroup: number
  /** Where the last group of the run begins, as far as it lies in the run. */
  lastGroupAt: number
  /** The last record of the run is the last of its group. */
  complete: boolean
}

export interface Scanned {
  readonly runs: readonly Run[]
  /** End of the last byte outside the runs that is not zero; the start if there is none. */
  readonly dirtyEnd: number
}

/** Takes a valid record at `at` of the slab, `offset` of the file; false ends the scan before it. */
export type Visit = (slab: Slab, at: number, offset: number) => boolean

/** Bytes of the file that a scan wants to see; it gets fewer only at the end of the file. */
export interface ReadRequest {
  readonly offset: number
  readonly bytes: number
}

/**
 * Scans a section for valid records and skips everything else. A generator, so that the recovery
 * (asynchronous) and the reader (synchronous) share one scan: it yields what it wants to read and is
 * given the bytes.
 */
export function* scan(
  { start, end: statedEnd, seed, windowBytes }: Section,
  visit: Visit,
): Generator<ReadRequest, Scanned, Slab> {
  const runs: Run[] = []
  let end = statedEnd
  let dirtyEnd = start
  let place = start
  let wanted = windowBytes
  while (place < end) {
    const bytes = Math.min(wanted, end - place)
    const slab = yield { offset: place, bytes }
    const { length } = slab.bytes
    if (length < bytes) end = place + length
    let at = 0
    let missing = 0
    while (at < length) {
      const found = checkRecord(slab, at, end - place - at, seed)
      if (found > 0) {
        if (!visit(slab, at, place + at)) return { runs, dirtyEnd }
        extend(runs, slab, { at, offset: place + at, length: found })
        at += found
      } else if (found < 0) {
        missing = -found
        break
      } else {
        const next = nextCandidate(slab, at + 8)
        const dirty = lastNonZero(slab.bytes, at, Math.min(next, length))
        if (dirty >= 0) dirtyEnd = place + dirty + 1
        at = Math.min(next, length)
      }
    }
    place += at
    wanted = Math.max(windowBytes, missing)
  }
  return { runs, dirtyEnd }
}

/** How much of the last segment counts: no later segment proves that it was durable. */
interface Tail {
  /** End of the last record that counts. */
  readonly cut: number
  /** The runs before the cut; a gap between them is corruption. */
  readonly runs: readonly Run[]
}

/**
 * Tells corruption from a torn tail. Group n+1 is written only after the sync of n, so bad bytes that
 * a record of a later group follows were durable once: they are corruption, and what follows counts.
 * Without one it is the write that the crash interrupted, which was never acknowledged.
 */
export function judgeTail(
  runs: readonly Run[],
  { start, firstGroup }: { readonly start: number; readonly firstGroup: number },
): Tail {
  const newestGroup = runs.at(-1)?.lastGroup ?? 0
  let cut = start
  let badGroup = firstGroup
  for (const [index, run] of runs.entries()) {
    if (run.start > cut && newestGroup <= badGroup) return { cut, runs: runs.slice(0, index) }
    cut = run.end
    badGroup = run.complete ? run.lastGroup + 1 : run.lastGroup
  }
  return { cut, runs }
}

/** Positions of records that cannot be read any more, both ends included. */
export interface Lost {
  readonly first: number
  readonly last: number
}

export interface Gap {
  readonly offset: number
  readonly bytes: number
  /** Null when the records around the gap do not tell. */
  readonly lost: Lost | null
}

/** A section, and the positions that belong into it; null where nothing tells. */
export interface Expected {
  readonly start: number
  readonly end: number
  readonly first: number | null
  readonly last: number | null
}

/** Parts of a section that no run covers. */
export function gapsOf(runs: readonly Run[], { start, end, first, last }: Expected): Gap[] {
  const gaps: Gap[] = []
  let at = start
  let next = first
  for (const run of runs) {
    const lost = lostBetween(next, run.firstPosition - 1)
    if (run.start > at) gaps.push({ offset: at, bytes: run.start - at, lost })
    at = run.end
    next = run.lastPosition + 1
  }
  if (end > at) gaps.push({ offset: at, bytes: end - at, lost: lostBetween(next, last) })
  return gaps
}

function lostBetween(first: number | null, last: number | null): Lost | null {
  return first !== null && last !== null && first <= last ? { first, last } : null
}

function extend(
  runs: Run[],
  slab: Slab,
  { at, offset, length }: { readonly at: number; readonly offset: number; readonly length: number },
): void {
  const position = positionAt(slab, at)
  const group = groupAt(slab, at)
  const run = runs.at(-1)
  const complete = endsGroupAt(slab, at)
  if (!run || run.end !== offset) {
    runs.push({
      start: offset,
      end: offset + length,
      firstPosition: position,
      lastPosition: position,
      firstGroup: group,
      lastGroup: group,
      lastGroupAt: offset,
      complete,
    })
    return
  }
  if (group !== run.lastGroup) run.lastGroupAt = offset
  run.lastGroup = group
  run.lastPosition = position
  run.end = offset + length
  run.complete = complete
}

/** Index of the last byte in `[from, to)` that is not zero, or -1. */
function lastNonZero(bytes: Buffer, from: number, to: number): number {
  // Equal to itself moved by one and beginning with zero means all zero: one memcmp per window.
  const isZero =
    bytes[from] === 0 && bytes.subarray(from, to - 1).equals(bytes.subarray(from + 1, to))
  if (isZero) return -1
  let at = to - 1
  while (at >= from && bytes[at] === 0) at -= 1
  return at
}
