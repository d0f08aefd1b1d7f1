import type { Log } from '#lib/runtime/log.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { identitySync } from '../identity.ts'
import type { Cursor, JournalReader } from '../journal.ts'
import { createReaderFiles, type ReaderFiles } from './reader-files.ts'
import { createTextMemory, decodeRecord, positionAt, recordLengthAt } from '../record.ts'
import { gapsOf, scan, type Run, type Visit } from './scan.ts'
import { HEADER_BYTES, seedOf } from '../segments/segment-header.ts'
import type { Slab } from '../segments/slab.ts'

export interface ReaderOptions {
  readonly dir: string
  /** UUID of the journal: another one is refused. */
  readonly id: string
  readonly log: Log
}

/** A piece of one segment on the way of a read. */
interface Piece {
  readonly segment: number
  readonly start: number
  readonly end: number
  /** False when only the scan tells where the records end. */
  readonly isEndKnown: boolean
  /** The segment to go on with; null when the piece ends at the target. */
  readonly next: number | null
}

/** Pieces are read in windows of this size while a position is looked for. */
const SEEK_WINDOW_BYTES = 1024 * 1024
const SMALLEST_WINDOW_BYTES = 64 * 1024
/** Damage that was reported is not reported again; more places than this are not remembered. */
const REPORTED_PLACES = 1000

/**
 * Opens a folder for reading while the journal writes to it. `read` goes no further than it is told;
 * `seek` may answer a place that is written but not yet durable if the position lies beyond
 * `Journal.durable`.
 */
export function openReader({ dir, id, log }: ReaderOptions): JournalReader {
  const identity = identitySync(dir, id)
  const files = createReaderFiles(dir, id)
  const texts = createTextMemory()
  const reported = new Set<string>()

  return {
    seek,
    read(from, to, maxBytes) {
      const messages: JournaledMessage[] = []
      let at = from
      for (let left = maxBytes; left > 0 && isBefore(at, to);) {
        const step = readPiece(at, to, left, messages)
        left -= step.bytes
        at = step.next
      }
      return { messages, next: at }
    },
    close: () => files.close(),
  }

  function readPiece(
    from: Cursor,
    to: Cursor,
    maxBytes: number,
    messages: JournaledMessage[],
  ): { readonly next: Cursor; readonly bytes: number } {
    const piece = pieceAt(files, from, to)
    let { position } = from
    let taken = 0
    let offset = piece.end
    const runs = scanPiece(
      piece,
      Math.min(maxBytes, piece.end - piece.start),
      (slab, at, place) => {
        if (taken >= maxBytes) {
          offset = place
          return false
        }
        taken += recordLengthAt(slab, at)
        // A copy that was written again after a failed write has the same position.
        if (positionAt(slab, at) <= position) return true
        const message = decodeRecord(slab, at, texts(slab, at))
        ;({ position } = message)
        messages.push(message)
        return true
      },
    )
    report(piece, runs, { reached: offset, first: from.position + 1 })
    return { next: placeBehind(piece, { offset, position, to }), bytes: taken }
  }

  function scanPiece(piece: Piece, windowBytes: number, visit: Visit): readonly Run[] {
    const { segment, start, end } = piece
    const window = Math.ceil(Math.max(SMALLEST_WINDOW_BYTES, windowBytes) / 8) * 8
    const stretch = { start, end, seed: seedOf(identity, segment), windowBytes: window }
    const steps = scan(stretch, visit)
    let step = steps.next()
    while (!step.done) step = steps.next(readWindow(segment, step.value))
    return step.value.runs
  }

  function readWindow(
    segment: number,
    { offset, bytes }: { readonly offset: number; readonly bytes: number },
  ): Slab {
    return files.read(segment, offset, bytes)
  }

  /** Where the scan ended without a known end, what is behind the last record is no damage. */
  function report(
    { segment, start, isEndKnown, next }: Piece,
    runs: readonly Run[],
    { reached, first }: { readonly reached: number; readonly first: number },
  ): void {
    const end = isEndKnown ? reached : (runs.at(-1)?.end ?? start)
    const nextFirst = next === null ? undefined : files.header(next)?.firstPosition
    const last = nextFirst === undefined ? null : nextFirst - 1
    for (const gap of gapsOf(runs, { start, end, first, last })) {
      const place = `${segment}:${gap.offset}`
      if (reported.has(place) || reported.size >= REPORTED_PLACES) continue
      reported.add(place)
      log.error(
        { dir, code: 'JOURNAL_CORRUPT', segment, ...gap },
        'journal records are gone or do not match their checksum and are left out',
      )
    }
  }

  function seek(position: number): Cursor {
    const numbers = files.list()
    const headed = numbers.filter((segment) => files.header(segment) !== null)
    const last = headed.at(-1) ?? numbers.at(-1)
    const oldest = numbers[0]
    if (last === undefined || oldest === undefined) return { segment: 0, offset: 0, position: 0 }
    const holder = headed.findLast((segment) => firstPositionOf(segment) <= position) ?? oldest
    const first = Math.max(0, firstPositionOf(holder) - 1)
    let best: Cursor = { segment: holder, offset: HEADER_BYTES, position: first }
    for (let at = holder; ;) {
      const piece = openPieceAt(at, last)
      let isBehind = false
      scanPiece(piece, SEEK_WINDOW_BYTES, (slab, index, offset) => {
        const found = positionAt(slab, index)
        isBehind = found > position
        if (isBehind) return false
        if (found > best.position || best.offset === HEADER_BYTES) {
          best = { segment: at, offset: offset + recordLengthAt(slab, index), position: found }
        }
        return found < position
      })
      if (isBehind || best.position >= position || piece.next === null) return best
      at = piece.next
    }
  }

  function firstPositionOf(segment: number): number {
    return files.header(segment)?.firstPosition ?? 0
  }

  /** A whole segment on the way to the last one, whose end is not known here. */
  function openPieceAt(segment: number, last: number): Piece {
    const start = HEADER_BYTES
    if (segment === last) {
      return { segment, start, end: files.size(segment), isEndKnown: false, next: null }
    }
    const { end, next } = files.linkAfter(segment, last)
    return { segment, start, end: end ?? files.size(segment), isEndKnown: end !== null, next }
  }
}

function pieceAt(files: ReaderFiles, { segment, offset }: Cursor, to: Cursor): Piece {
  const start = Math.max(offset, HEADER_BYTES)
  if (segment === to.segment) {
    return { segment, start, end: to.offset, isEndKnown: true, next: null }
  }
  const { end, next } = files.linkAfter(segment, to.segment)
  return { segment, start, end: end ?? files.size(segment), isEndKnown: end !== null, next }
}

function placeBehind(
  piece: Piece,
  {
    offset,
    position,
    to,
  }: { readonly offset: number; readonly position: number; readonly to: Cursor },
): Cursor {
  if (offset < piece.end) return { segment: piece.segment, offset, position }
  if (piece.next === null) return to
  return { segment: piece.next, offset: HEADER_BYTES, position }
}

function isBefore(at: Cursor, to: Cursor): boolean {
  return at.segment < to.segment || (at.segment === to.segment && at.offset < to.offset)
}
