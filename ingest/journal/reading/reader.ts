import type { Log } from '#lib/runtime/log.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { identitySync, type Identity } from '../identity.ts'
import type { Cursor, JournalReader } from '../journal.ts'
import { createTextMemory, decodeRecord, positionAt, recordLengthAt } from '../record.ts'
import { HEADER_BYTES, seedOf } from '../segments/segment-header.ts'
import { cursorAfter, isBefore, pieceAt, wholePiece, type Piece } from './piece.ts'
import { ReaderFiles } from './reader-files.ts'
import { gapsOf, scan, type Run, type Visit } from './scan.ts'

export interface ReaderOptions {
  readonly dir: string
  /** UUID of the journal: another one is refused. */
  readonly id: string
  readonly log: Log
}

/** Pieces are read in windows of this size while a position is looked for. */
const SEEK_WINDOW_BYTES = 1024 * 1024
const MIN_WINDOW_BYTES = 64 * 1024
/** Damage is reported once; more places than this are not remembered. */
const MAX_REPORTED = 1000

/**
 * Opens a folder for reading while the journal writes to it. `read` goes no further than the given end;
 * `seek` may find a place that is written but not yet durable if the position is beyond
 * `Journal.durable`.
 */
export function openReader(options: ReaderOptions): JournalReader {
  return new FolderReader(options, identitySync(options.dir, options.id))
}

class FolderReader implements JournalReader {
  readonly #dir: string
  readonly #log: Log
  readonly #identity: Identity
  readonly #files: ReaderFiles
  readonly #texts = createTextMemory()
  readonly #reported = new Set<string>()

  constructor({ dir, id, log }: ReaderOptions, identity: Identity) {
    this.#dir = dir
    this.#log = log
    this.#identity = identity
    this.#files = new ReaderFiles(dir, id)
  }

  read(from: Cursor, to: Cursor, maxBytes: number) {
    const messages: JournaledMessage[] = []
    let at = from
    for (let left = maxBytes; left > 0 && isBefore(at, to);) {
      const step = this.#readPiece(at, to, left, messages)
      left -= step.bytes
      at = step.next
    }
    return { messages, next: at }
  }

  seek(position: number): Cursor {
    const files = this.#files
    const numbers = files.list()
    const headed = numbers.filter((segment) => files.header(segment) !== null)
    const last = headed.at(-1) ?? numbers.at(-1)
    const oldest = numbers[0]
    if (last === undefined || oldest === undefined) return { segment: 0, offset: 0, position: 0 }
    const firstOf = (segment: number) => files.header(segment)?.firstPosition ?? 0
    const holder = headed.findLast((segment) => firstOf(segment) <= position) ?? oldest
    const before = Math.max(0, firstOf(holder) - 1)
    let best: Cursor = { segment: holder, offset: HEADER_BYTES, position: before }
    for (let segment: number | null = holder; segment !== null;) {
      const piece: Piece = wholePiece(files, segment, last)
      const found = this.#seekInPiece(piece, position, best)
      ;({ best } = found)
      if (found.isPast || best.position >= position) return best
      segment = piece.next
    }
    return best
  }

  close(): void {
    this.#files.close()
  }

  #readPiece(from: Cursor, to: Cursor, maxBytes: number, messages: JournaledMessage[]) {
    const piece = pieceAt(this.#files, from, to)
    const { start, end } = piece
    let { position } = from
    let bytes = 0
    let offset = end
    const runs = this.#scan(piece, Math.min(maxBytes, end - start), (slab, at, recordOffset) => {
      if (bytes >= maxBytes) {
        offset = recordOffset
        return false
      }
      bytes += recordLengthAt(slab, at)
      // A copy that was written again after a failed write has the same position.
      if (positionAt(slab, at) <= position) return true
      const message = decodeRecord(slab, at, this.#texts(slab, at))
      ;({ position } = message)
      messages.push(message)
      return true
    })
    this.#report(piece, runs, { reached: offset, first: from.position + 1 })
    return { next: cursorAfter(piece, { offset, position }, to), bytes }
  }

  /** The place after the last record at or below the position, and whether a later one follows. */
  #seekInPiece(piece: Piece, position: number, start: Cursor) {
    const { segment } = piece
    let best = start
    let isPast = false
    this.#scan(piece, SEEK_WINDOW_BYTES, (slab, at, offset) => {
      const found = positionAt(slab, at)
      isPast = found > position
      if (isPast) return false
      if (found > best.position || best.offset === HEADER_BYTES) {
        best = { segment, offset: offset + recordLengthAt(slab, at), position: found }
      }
      return found < position
    })
    return { best, isPast }
  }

  #scan({ segment, start, end }: Piece, windowBytes: number, visit: Visit): readonly Run[] {
    const window = Math.ceil(Math.max(MIN_WINDOW_BYTES, windowBytes) / 8) * 8
    const seed = seedOf(this.#identity, segment)
    const steps = scan({ start, end, seed, windowBytes: window }, visit)
    let step = steps.next()
    while (!step.done) {
      const { offset, bytes } = step.value
      step = steps.next(this.#files.read(segment, offset, bytes))
    }
    return step.value.runs
  }

  /** Where the scan ended without a known end, what follows the last record is no damage. */
  #report(
    { segment, start, isEndKnown, next }: Piece,
    runs: readonly Run[],
    { reached, first }: { readonly reached: number; readonly first: number },
  ): void {
    const end = isEndKnown ? reached : (runs.at(-1)?.end ?? start)
    const nextFirst = next === null ? undefined : this.#files.header(next)?.firstPosition
    const last = nextFirst === undefined ? null : nextFirst - 1
    for (const gap of gapsOf(runs, { start, end, first, last })) {
      const key = `${segment}:${gap.offset}`
      if (this.#reported.has(key) || this.#reported.size >= MAX_REPORTED) continue
      this.#reported.add(key)
      this.#log.error(
        { dir: this.#dir, code: 'JOURNAL_CORRUPT', segment, ...gap },
        'journal records are missing or do not match their checksum; they are skipped',
      )
    }
  }
}
