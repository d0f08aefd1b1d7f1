import { positionAt } from '../record.ts'
import type { SegmentFile, SegmentFiles } from './segment-files.ts'
import { HEADER_BYTES, type SegmentHeader } from '../segments/segment-header.ts'

/** A segment of the chain with its sealed end. */
export interface Link {
  readonly file: SegmentFile
  readonly end: number
  /** False when the end was guessed, because the next segment does not state it. */
  readonly isEndKnown: boolean
}

interface ChainContext {
  readonly files: SegmentFiles
  /** Positions at or below are in the store already. */
  readonly since: number
}

/** Segments that count, oldest first: each header says where the journal went on from. */
export async function linkChain(
  context: ChainContext,
  found: readonly SegmentFile[],
  tail: Link,
): Promise<readonly Link[]> {
  const links: Link[] = [tail]
  let firstPosition = 0
  for (let { file } = tail; ;) {
    const previous = await previousOf(context, found, file)
    if (!previous) return links.toReversed()
    firstPosition = (await firstPositionOf(context, file)) ?? firstPosition
    const header = headerOf(file)
    const isEndKnown = header?.prevSegment === previous.segment
    const end = isEndKnown ? header.prevEnd : await endBefore(context, previous, firstPosition)
    links.push({ file: previous, end, isEndKnown })
    file = previous
  }
}

/**
 * The segment before, as the header names it. If that one is gone, the next older one; but when
 * everything up to here is in the store, what still lies there in pieces is no loss to report: an
 * abandoned segment, or a consumed one, whose removal the power loss has undone.
 */
async function previousOf(
  context: ChainContext,
  found: readonly SegmentFile[],
  file: SegmentFile,
): Promise<SegmentFile | undefined> {
  const header = headerOf(file)
  if (!header) return await newestReadable(context, found, file.segment)
  const isConsumed = header.firstPosition <= context.since + 1
  return found.findLast(
    ({ segment, head }) =>
      segment === header.prevSegment ||
      (segment < header.prevSegment && (head.kind === 'valid' || !isConsumed)),
  )
}

/** The newest segment below a number that holds anything at all. */
async function newestReadable(
  context: ChainContext,
  found: readonly SegmentFile[],
  below: number,
): Promise<SegmentFile | undefined> {
  for (const file of found.toReversed()) {
    if (file.segment < below && (await firstPositionOf(context, file)) !== null) return file
  }
  return undefined
}

/** Without a header: where the records end whose positions do not come again in the next segment. */
async function endBefore(
  { files }: ChainContext,
  { segment, bytes }: SegmentFile,
  position: number,
): Promise<number> {
  const { runs } = await files.scan(segment, bytes, (slab, at) => positionAt(slab, at) < position)
  return runs.at(-1)?.end ?? HEADER_BYTES
}

/** Null when nothing of the segment can be read. */
async function firstPositionOf(
  { files }: ChainContext,
  { segment, bytes, head }: SegmentFile,
): Promise<number | null> {
  if (head.kind === 'valid') return head.header.firstPosition
  let first: number | null = null
  await files.scan(segment, bytes, (slab, at) => {
    first = positionAt(slab, at)
    return false
  })
  return first
}

export function headerOf(file: SegmentFile | undefined): SegmentHeader | null {
  return file?.head.kind === 'valid' ? file.head.header : null
}
