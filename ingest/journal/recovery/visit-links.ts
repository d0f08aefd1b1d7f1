import { headerOf, type Link } from './chain.ts'
import { positionAt } from '../record.ts'
import { gapsOf, type Lost, type Run, type Visit } from '../reading/scan.ts'
import type { SegmentFiles } from './segment-files.ts'
import { HEADER_BYTES } from '../segments/segment-header.ts'

/** Bytes that do not match their checksum although they were durable once. */
export interface Corruption {
  readonly segment: number
  readonly offset: number
  readonly bytes: number
  /** Positions of acknowledged messages that are gone with them; null when that is not known. */
  readonly lost: Lost | null
  readonly what: string
}

export interface VisitContext {
  readonly files: SegmentFiles
  /** Positions at or below are in the store already and are not looked at. */
  readonly since: number
  readonly visit: Visit
}

/** Visits what is beyond `since`, and finds the last position of every link. */
export async function visitLinks(
  context: VisitContext,
  links: readonly Link[],
): Promise<{ readonly positions: readonly number[]; readonly corruptions: readonly Corruption[] }> {
  const positions: number[] = []
  const corruptions: Corruption[] = []
  let seen = context.since
  for (const [index, link] of links.entries()) {
    const next = headerOf(links[index + 1]?.file)
    if (next && next.firstPosition <= context.since + 1) {
      positions.push(next.firstPosition - 1)
      continue
    }
    const last = next?.prevSegment === link.file.segment ? next.firstPosition - 1 : null
    const runs = await visitLink(context, link)
    corruptions.push(...corruptionsOf(link, runs, { seen, last }))
    const position = Math.max(runs.at(-1)?.lastPosition ?? 0, last ?? 0)
    positions.push(position)
    seen = Math.max(seen, position)
  }
  return { positions, corruptions }
}

async function visitLink(
  { files, since, visit }: VisitContext,
  { file: { segment }, end }: Link,
): Promise<readonly Run[]> {
  const { runs } = await files.scan(
    segment,
    end,
    (slab, at, offset) => positionAt(slab, at) <= since || visit(slab, at, offset),
  )
  return runs
}

/** What is damaged of a link, and whether segments before it are missing. */
function corruptionsOf(
  { file, end }: Link,
  runs: readonly Run[],
  { seen, last }: { readonly seen: number; readonly last: number | null },
): Corruption[] {
  const { segment } = file
  const corruptions: Corruption[] = []
  const begins = headerOf(file)?.firstPosition
  if (!begins) corruptions.push(badHeader(segment))
  const startsAt = runs[0]?.start === HEADER_BYTES ? runs[0].firstPosition : begins
  if (startsAt && startsAt > seen + 1) {
    const lost = { first: seen + 1, last: startsAt - 1 }
    corruptions.push({ segment, offset: 0, bytes: 0, lost, what: 'the segment before is missing' })
  }
  const first = begins ?? seen + 1
  for (const gap of gapsOf(runs, { start: HEADER_BYTES, end, first, last })) {
    corruptions.push({ segment, ...gap, what: 'records do not match their checksum' })
  }
  return corruptions
}

function badHeader(segment: number): Corruption {
  const what = 'the header of the segment does not match its checksum'
  return { segment, offset: 0, bytes: HEADER_BYTES, lost: null, what }
}
