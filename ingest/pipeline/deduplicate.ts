import { FLAGS } from '#lib/telemetry/flags.ts'
import { fullId, tenantOf, type FullId } from '#lib/telemetry/ids.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { plausibleTime } from '#lib/telemetry/time.ts'
import type { Identity, Known } from '#lib/store/store.ts'
import type { ParsedElement } from '../formats/format.ts'
import {
  judgeInvalidClock,
  judgeTimed,
  judgeUntimed,
  needsLookup,
  type ChannelMemory,
  type Verdict,
} from '../state/duplicate-memory.ts'
import type { IntakeState } from '../state/intake-state.ts'
import type { ParsedMessage } from './parse.ts'

export interface DuplicateDeps {
  /** Asked once per batch for elements that the memory no longer covers. */
  known(identities: readonly Identity[]): Promise<readonly Known[]>
}

/** What the store knows of elements that the memory no longer covers. */
export type KnownElements = ReadonlyMap<ParsedElement, Known>
/** Of nearly every batch: its elements are not even looked up in a map. */
export const NONE_KNOWN: KnownElements = new Map()

/** Asks the store about elements older than what the memory holds: one query per batch. */
export async function findKnown(
  state: IntakeState,
  parsed: readonly ParsedMessage[],
  deps: DuplicateDeps,
  { lookUpAll = false }: { readonly lookUpAll?: boolean },
): Promise<KnownElements> {
  const wanted: { readonly identity: Identity; readonly element: ParsedElement }[] = []
  for (const { message, channel, output } of parsed) {
    for (const [at, element] of output.elements.entries()) {
      const { kind, seq, hash, ordinal: readingOrdinal = at } = element
      const device = ownerOf(element, message)
      const memory = state.devices.get(device)?.channels.get(channel)?.memory
      if (!memory && !lookUpAll) continue
      const timeNs = lookupTime(element, message, lookUpAll ? null : memory)
      if (timeNs === null) continue
      const { position } = message
      const identity = { kind, device, channel, seq, timeNs, hash, position, readingOrdinal }
      wanted.push({ identity, element })
    }
  }
  if (wanted.length === 0) return NONE_KNOWN
  const found = await deps.known(wanted.map(({ identity }) => identity))
  return new Map(wanted.map(({ element }, at) => [element, found[at] ?? 'unknown']))
}

/** Whose reading an element is: of the sender, or of a device that it carries. */
export function ownerOf({ subDevice }: ParsedElement, { device }: JournaledMessage): FullId {
  return subDevice === undefined ? device : fullId(tenantOf(device), subDevice)
}

/** The time to look an element up at; null when the memory alone can judge it. */
function lookupTime(
  element: ParsedElement,
  { receivedAtNs, origin }: JournaledMessage,
  memory: ChannelMemory | null | undefined,
): bigint | null {
  // Without a time of its own, an element read again is known by its first receive time.
  if (element.timeNs === null) return origin ? receivedAtNs : null
  if (!plausibleTime(element.timeNs, receivedAtNs)) return null
  return !memory || needsLookup(memory, element, element.timeNs) ? element.timeNs : null
}

/** Judges an element by what the store and the memory know, and remembers it when it is new. */
export function verdictOf(
  memory: ChannelMemory,
  element: ParsedElement,
  message: JournaledMessage,
  known: Known | undefined,
): Verdict {
  const { receivedAtNs, dup } = message
  const { timeNs } = element
  if (timeNs === null) {
    if (known === 'same') return 'duplicate'
    return judgeUntimed(memory, element, { atNs: receivedAtNs, dup })
  }
  if (!plausibleTime(timeNs, receivedAtNs)) return judgeInvalidClock(memory, element, timeNs)
  return judgeTimed(memory, element, timeNs, known)
}

export function verdictFlags(verdict: Verdict): number {
  return verdict === 'other_content' || verdict === 'same_time' ? FLAGS.duplicate_time : 0
}
