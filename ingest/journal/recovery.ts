import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { positionAt } from './record.ts'
import type { StoredSegment } from './retention.ts'
import { gapsOf, judgeTail, type Run, type Visit } from './scan.ts'
import type { SegmentFile, SegmentFiles } from './segment-files.ts'
import { HEADER_BYTES, seedOf } from './segment-header.ts'
import type { End } from './segments.ts'

/** Bytes that do not match their checksum although they were durable once. */
export interface Corruption {
  readonly segment: number
  readonly offset: number
  readonly bytes: number
  readonly what: string
}

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

/** A segment of the chain with its sealed end. */
interface Link {
  readonly file: SegmentFile
  readonly end: number
}

export interface RecoveryContext {
  readonly id: string
  readonly dir: string
  readonly files: SegmentFiles
  readonly clock: Clock
  /** Positions at or below are in the store already and are not looked at. */
  readonly since: number
  readonly visit: Visit
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
  const links = tail ? await linkChain(context, found, tail) : []
  if (tail) await secure(context, tail)
  await tidy(context, found, links)
  const { positions, corruptions } = await visitLinks(context, links)
  const lastRun = tail?.runs.at(-1)
  return {
    stored: links.map(({ file, end }, index) => ({
      segment: file.segment,
      lastPosition: positions[index] ?? 0,
      bytes: end,
      endedAtNs: createdAtOf(links[index + 1]?.file) ?? clock.nowNs(),
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

/** Segments behind the newest one with records hold only what was never durable. */
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

/** What counts of a segment that nothing vouches for; no runs if nothing does. */
async function judge({ files, id }: RecoveryContext, file: SegmentFile) {
  const { segment, bytes, head } = file
  const stretch = { start: HEADER_BYTES, end: bytes, seed: seedOf(id, segment) }
  const scanned = await files.scan(segment, stretch, () => true)
  const { runs } = scanned
  const dirtyEnd = Math.max(scanned.dirtyEnd, runs.at(-1)?.end ?? 0)
  const firstGroup =
    head.kind === 'valid' ? head.header.firstGroup : (runs[0]?.firstGroup ?? 0)
  const tail = judgeTail(runs, { start: HEADER_BYTES, firstGroup })
  const last = tail.runs.at(-1)
  // A header is written with the first group. If both were hurt, it was one torn write.
  const isTorn = head.kind !== 'valid' && last?.lastGroup === firstGroup && !last.complete
  return isTorn ? { runs: [], cut: HEADER_BYTES, dirtyEnd } : { ...tail, dirtyEnd }
}

/** Segments that count, oldest first: each header says where the journal went on from. */
async function linkChain(
  context: RecoveryContext,
  found: readonly SegmentFile[],
  tail: TailFound,
): Promise<readonly Link[]> {
  const links: Link[] = [{ file: tail.file, end: tail.cut }]
  for (let { file } = tail; ;) {
    const { segment, head } = file
    const older = found.filter((other) => other.segment < segment)
    const named =
      head.kind === 'valid'
        ? older.find((other) => other.segment === head.header.prevSegment)
        : undefined
    const previous = named ?? older.at(-1)
    if (!previous) return links.toReversed()
    const end =
      named && head.kind === 'valid'
        ? head.header.prevEnd
        : await endBefore(context, previous, await firstPositionOf(context, file))
    links.push({ file: previous, end })
    file = previous
  }
}

/** Without a header: where the records end whose positions do not come again in the next segment. */
async function endBefore(
  { files, id }: RecoveryContext,
  { segment, bytes }: SegmentFile,
  position: number,
): Promise<number> {
  const stretch = { start: HEADER_BYTES, end: bytes, seed: seedOf(id, segment) }
  const { runs } = await files.scan(segment, stretch, (slab, at) => positionAt(slab, at) < position)
  return runs.at(-1)?.end ?? HEADER_BYTES
}

async function firstPositionOf(
  { files, id }: RecoveryContext,
  { segment, bytes, head }: SegmentFile,
): Promise<number> {
  if (head.kind === 'valid') return head.header.firstPosition
  let first = 0
  const stretch = { start: HEADER_BYTES, end: bytes, seed: seedOf(id, segment) }
  await files.scan(segment, stretch, (slab, at) => {
    first = positionAt(slab, at)
    return false
  })
  return first
}

/**
 * Nothing vouches for the last group: it may lie in the page cache alone, even on pages that a failed
 * sync has marked clean. It is shown to the store now, so it must not get lost later.
 */
async function secure({ files }: RecoveryContext, { file, runs, cut }: TailFound): Promise<void> {
  const lastGroupAt = runs.at(-1)?.lastGroupAt ?? HEADER_BYTES
  const start = lastGroupAt === HEADER_BYTES && file.head.kind === 'valid' ? 0 : lastGroupAt
  await files.rewrite(file.segment, start, cut)
}

/** Cuts every segment where it ends, and removes those that do not belong to the chain. */
async function tidy(
  { files }: RecoveryContext,
  found: readonly SegmentFile[],
  links: readonly Link[],
): Promise<void> {
  for (const { file, end } of links) {
    if (file.bytes > end) await files.cut(file.segment, end)
  }
  const kept = new Set(links.map(({ file }) => file.segment))
  for (const { segment } of found) {
    if (!kept.has(segment)) await files.remove(segment)
  }
}

/** Visits what is beyond `since`, and finds the last position of every link. */
async function visitLinks(
  context: RecoveryContext,
  links: readonly Link[],
): Promise<{ readonly positions: readonly number[]; readonly corruptions: readonly Corruption[] }> {
  const positions: number[] = []
  const corruptions: Corruption[] = []
  let seen = context.since
  for (const [index, link] of links.entries()) {
    const nextHead = links[index + 1]?.file.head
    const nextFirst = nextHead?.kind === 'valid' ? nextHead.header.firstPosition : 0
    if (nextFirst > 0 && nextFirst - 1 <= context.since) {
      positions.push(nextFirst - 1)
      continue
    }
    const { runs, faults } = await visitLink(context, link)
    const first = runs[0]?.firstPosition ?? seen
    if (first > seen + 1 && faults.length === 0) faults.push(missing(link, seen + 1, first - 1))
    corruptions.push(...faults)
    positions.push(Math.max(runs.at(-1)?.lastPosition ?? 0, nextFirst - 1))
    seen = Math.max(seen, positions.at(-1) ?? 0)
  }
  return { positions, corruptions }
}

async function visitLink(
  { files, id, since, visit }: RecoveryContext,
  { file, end }: Link,
): Promise<{ readonly runs: readonly Run[]; readonly faults: Corruption[] }> {
  const { segment, head } = file
  const stretch = { start: HEADER_BYTES, end, seed: seedOf(id, segment) }
  const { runs } = await files.scan(
    segment,
    stretch,
    (slab, at, offset) => positionAt(slab, at) <= since || visit(slab, at, offset),
  )
  const what = 'records do not match their checksum'
  const faults: Corruption[] = gapsOf(runs, stretch).map((gap) => ({ segment, ...gap, what }))
  if (head.kind === 'invalid') {
    const what = 'the header of the segment does not match its checksum'
    faults.unshift({ segment, offset: 0, bytes: HEADER_BYTES, what })
  }
  return { runs, faults }
}

function missing({ file }: Link, from: number, to: number): Corruption {
  const what = `positions ${from} to ${to} are missing before this segment`
  return { segment: file.segment, offset: 0, bytes: 0, what }
}

function createdAtOf(file: SegmentFile | undefined): bigint | null {
  return file?.head.kind === 'valid' ? file.head.header.createdAtNs : null
}
