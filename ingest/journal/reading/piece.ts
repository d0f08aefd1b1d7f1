import type { Cursor } from '../journal.ts'
import { HEADER_BYTES } from '../segments/segment-header.ts'
import type { ReaderFiles } from './reader-files.ts'

/** The part of one segment that a read covers. */
export interface Piece {
  readonly segment: number
  readonly start: number
  readonly end: number
  /** False when only the scan tells where the records end. */
  readonly isEndKnown: boolean
  /** The segment to go on with; null when the piece ends at the target. */
  readonly next: number | null
}

/** What to read from a place on the way to a target. */
export function pieceAt(files: ReaderFiles, { segment, offset }: Cursor, to: Cursor): Piece {
  const start = Math.max(offset, HEADER_BYTES)
  if (segment === to.segment) {
    return { segment, start, end: to.offset, isEndKnown: true, next: null }
  }
  return linkedPiece(files, { segment, start, last: to.segment })
}

/** A whole segment on the way to the last one, whose end is not known here. */
export function wholePiece(files: ReaderFiles, segment: number, last: number): Piece {
  const start = HEADER_BYTES
  if (segment === last) {
    return { segment, start, end: files.size(segment), isEndKnown: false, next: null }
  }
  return linkedPiece(files, { segment, start, last })
}

function linkedPiece(
  files: ReaderFiles,
  { segment, start, last }: { readonly segment: number; readonly start: number; last: number },
): Piece {
  const { end, next } = files.linkAfter(segment, last)
  return { segment, start, end: end ?? files.size(segment), isEndKnown: end !== null, next }
}

/** Where to go on once a piece was read up to an offset. */
export function cursorAfter(piece: Piece, { offset, position }: Read, to: Cursor): Cursor {
  if (offset < piece.end) return { segment: piece.segment, offset, position }
  if (piece.next === null) return to
  return { segment: piece.next, offset: HEADER_BYTES, position }
}

interface Read {
  readonly offset: number
  readonly position: number
}

export function isBefore(at: Cursor, to: Cursor): boolean {
  return at.segment < to.segment || (at.segment === to.segment && at.offset < to.offset)
}
