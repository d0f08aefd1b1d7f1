import type { RefusedElement } from '../formats/format.ts'

/** Entries of one message in the list of rejections at most; the last ones cover all further elements. */
export const MAX_REJECTIONS = 100
/** An item from here on is no element: it covers several. More than the elements that a packet can hold. */
export const FIRST_COVERING_ITEM = 1_000_000

/** A rejection as it is listed: of the whole message (item -1), of an element, or of several. */
export interface RejectionEntry {
  readonly item: number
  /** What was wrong; with the first of several. */
  readonly fault: RefusedElement
  /** The elements, rising; null where there is one. */
  readonly covers: readonly number[] | null
}

/**
 * The entries of what was refused of one message. The first elements have one each; what is beyond
 * `MAX_REJECTIONS` is covered by one entry for each reason, so that a replay by reason finds it.
 */
export function entriesOf(
  refused: readonly RefusedElement[],
  firstCoveringItem = FIRST_COVERING_ITEM,
): readonly RejectionEntry[] {
  const elements = refused.length > 1 ? firstOfEach(refused) : refused
  if (elements.length <= MAX_REJECTIONS) return elements.map(ownEntry)
  const own = MAX_REJECTIONS - new Set(elements.map(({ reason }) => reason)).size
  const covered = Map.groupBy(elements.slice(own), ({ reason }) => reason)
  return [
    ...elements.slice(0, own).map(ownEntry),
    ...[...covered].map(([, several], at) => coveringEntry(several, firstCoveringItem + at)),
  ]
}

/** What an entry stands for, element by element. */
export function elementsOfEntry({ fault, covers }: RejectionEntry): readonly RefusedElement[] {
  return covers === null ? [fault] : covers.map((elementIndex) => ({ ...fault, elementIndex }))
}

/** The indices of what an entry stands for. */
export function indicesOfEntry({ item, covers }: Omit<RejectionEntry, 'fault'>): readonly number[] {
  return covers ?? [item]
}

/** Rising numbers as text: `3-7,9`. */
export function encodeRuns(indices: readonly number[]): string {
  const runs: string[] = []
  for (let at = 0; at < indices.length; at += 1) {
    const from = indices[at] ?? 0
    let to = from
    for (; indices[at + 1] === to + 1; at += 1) to += 1
    runs.push(from === to ? `${from}` : `${from}-${to}`)
  }
  return runs.join(',')
}

export function decodeRuns(text: string): readonly number[] {
  const indices: number[] = []
  for (const run of text.split(',')) {
    const [from = 0, to = from] = run.split('-').map(Number)
    for (let index = from; index <= to; index += 1) indices.push(index)
  }
  return indices
}

/** Of several faults of one element the first is kept. */
function firstOfEach(refused: readonly RefusedElement[]): readonly RefusedElement[] {
  const byIndex = new Map<number, RefusedElement>()
  for (const one of refused) {
    if (!byIndex.has(one.elementIndex)) byIndex.set(one.elementIndex, one)
  }
  return [...byIndex.values()]
}

function ownEntry(fault: RefusedElement): RejectionEntry {
  return { item: fault.elementIndex, fault, covers: null }
}

function coveringEntry(several: readonly RefusedElement[], item: number): RejectionEntry {
  const covers = several.map(({ elementIndex }) => elementIndex).toSorted((a, b) => a - b)
  const { subDevice: _, ...fault } = several.find(
    (one) => one.elementIndex === covers[0],
  ) as RefusedElement
  return { item, fault, covers }
}
