import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { headerOf, linkChain, type Link } from './chain.ts'
import type { StoredSegment } from '../segments/retention.ts'
import { judgeTail, type Run } from '../reading/scan.ts'
import type { SegmentFile } from './segment-files.ts'
import { HEADER_BYTES } from '../segments/segment-header.ts'
import type { End } from '../segments/segments.ts'
import { visitLinks, type Corruption, type VisitContext } from './visit-links.ts'

export interface Recovered {
  /** In the order of their positions. */
  readonly stored: readonly StoredSegment[]
  readonly end: End
  readonly lastPosition: number
  readonly lastGroup: number
  readonly nextSegment: number
  readonly corruptions: readonly Corruption[]
  /** Bytes of an interrupted write that were cut off. */
  readonly tornBytes: number
}

/** The newest segment that holds records, and how far they count. */
interface TailFound {
  readonly file: SegmentFile
  readonly runs: readonly Run[]
  readonly cut: number
}

export interface RecoveryContext extends VisitContext {
  readonly id: string
  readonly dir: string
  readonly clock: Clock
}

/**
 * Brings the segments of earlier processes into a state that counts: finds the newest one that holds
 * records, cuts its torn end, makes its last group durable, follows the chain of headers back,
 * removes what was abandoned, and visits every record beyond `since`. It may be interrupted and run
 * again: nobody has seen what it drops.
 */
export async function recover(
  context: RecoveryContext,
  numbers: readonly number[],
): Promise<Recovered> {
  const { files, clock } = context
  const found: SegmentFile[] = []
  for (const segment of numbers) {
    const file = await files.inspect(segment)
    refuseForeign(context, file)
    found.push(file)
  }
  const { tail, tornBytes } = await findTail(context, found)
  const nextSegment = (numbers.at(-1) ?? 0) + 1
  const chain = tail
    ? await linkChain(context, found, { ...tail, end: tail.cut, isEndKnown: true })
    : []
  const links = tail ? await secure(context, tail, chain) : []
  await tidy(context, found, links)
  const { positions, corruptions } = await visitLinks(context, links)
  const lastRun = tail?.runs.at(-1)
  return {
    stored: links.map(({ file, end }, index) => ({
      segment: file.segment,
      lastPosition: positions[index] ?? 0,
      bytes: end,
      endedAtNs: headerOf(links[index + 1]?.file)?.createdAtNs ?? clock.nowNs(),
    })),
    end: tail ? { segment: tail.file.segment, offset: tail.cut } : { segment: 0, offset: 0 },
    lastPosition: lastRun?.lastPosition ?? 0,
    lastGroup: lastRun?.lastGroup ?? 0,
    nextSegment,
    corruptions,
    tornBytes,
  }
}

function refuseForeign({ dir, id }: RecoveryContext, { segment, head }: SegmentFile): void {
  if (head.kind === 'newer') {
    throw new PlatformError(
      'DATA_DIR_FOREIGN',
      `${dir}: segment ${segment} has version ${head.version} of the journal's form, which this ` +
        'release does not read; start the release that wrote it',
    )
  }
  if (head.kind !== 'foreign') return
  throw new PlatformError(
    'DATA_DIR_FOREIGN',
    `${dir}: expected segments of journal ${id}, but segment ${segment} says it is segment ` +
      `${head.header.segment} of journal ${head.header.journal}; move it to the folder it came from`,
  )
}

/** Segments after the newest one with records have only what was never durable. */
async function findTail(
  context: RecoveryContext,
  found: readonly SegmentFile[],
): Promise<{ readonly tail: TailFound | null; readonly tornBytes: number }> {
  let tornBytes = 0
  for (const file of found.toReversed()) {
    const { runs, cut, dirtyEnd } = await judge(context, file)
    tornBytes += Math.max(0, dirtyEnd - cut)
    if (runs.length > 0) return { tail: { file, runs, cut }, tornBytes }
  }
  return { tail: null, tornBytes }
}

/** What counts of a segment that no later one confirms; no runs if nothing does. */
async function judge({ files }: RecoveryContext, file: SegmentFile) {
  const { segment, bytes, head } = file
  const scanned = await files.scan(segment, bytes, () => true)
  const { runs } = scanned
  const dirtyEnd = Math.max(scanned.dirtyEnd, runs.at(-1)?.end ?? 0)
  const firstGroup = head.kind === 'valid' ? head.header.firstGroup : (runs[0]?.firstGroup ?? 0)
  const tail = judgeTail(runs, { start: HEADER_BYTES, firstGroup })
  const last = tail.runs.at(-1)
  // A header is written with the first group. If both were hurt, it was one torn write.
  const isTorn = head.kind !== 'valid' && last?.lastGroup === firstGroup && !last.complete
  return isTorn ? { runs: [], cut: HEADER_BYTES, dirtyEnd } : { ...tail, dirtyEnd }
}

/**
 * Nothing confirms the last group: it may be in the page cache alone, even on pages that a failed
 * sync has marked clean. It is shown to the store now, so it must not get lost later. The same holds
 * for the header that was written with it; if that was torn, it is made again from the chain.
 */
async function secure(
  { id, files, clock }: RecoveryContext,
  { file, runs, cut }: TailFound,
  links: readonly Link[],
): Promise<readonly Link[]> {
  const { segment } = file
  const first = runs[0]
  const lastGroupAt = runs.at(-1)?.lastGroupAt ?? HEADER_BYTES
  await files.rewrite(segment, lastGroupAt, cut)
  if (!first || lastGroupAt !== HEADER_BYTES) return links
  const previous = links.at(-2)
  const header = headerOf(file) ?? {
    journal: id,
    segment,
    firstPosition: first.firstPosition,
    firstGroup: first.firstGroup,
    prevSegment: previous?.file.segment ?? 0,
    prevEnd: previous?.end ?? 0,
    createdAtNs: clock.nowNs(),
  }
  await files.writeHeader(header)
  const restored: Link = {
    file: { ...file, head: { kind: 'valid', header } },
    end: cut,
    isEndKnown: true,
  }
  return [...links.slice(0, -1), restored]
}

/** Cuts segments where they surely end, and removes those that do not belong to the chain. */
async function tidy(
  { files }: RecoveryContext,
  found: readonly SegmentFile[],
  links: readonly Link[],
): Promise<void> {
  for (const { file, end, isEndKnown } of links) {
    if (isEndKnown && file.bytes > end) await files.cut(file.segment, end)
  }
  const kept = new Set(links.map(({ file }) => file.segment))
  for (const { segment } of found) {
    if (!kept.has(segment)) await files.remove(segment)
  }
}
