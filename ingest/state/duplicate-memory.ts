import type { Known } from '#lib/store/store.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { ParsedElement } from '../formats/format.ts'
import {
  NO_SEQ,
  createRing,
  decodeRing,
  encodeRing,
  has,
  hasSince,
  momentIn,
  put,
  remove,
  ringBytes,
  type IdentityRing,
  type RingIdentity,
} from './identity-ring.ts'

/**
 * Recent identities of one channel of one device (docs/devices.md, "What counts as the same
 * reading"). On-time readings rise in time, so one that is later than all before it is new without
 * a look. Others are compared with two short rings; what both have forgotten is looked up in the
 * store.
 */
export interface ChannelMemory {
  /** Highest plausible device time seen; readings above it are on time. */
  maxTimeNs: bigint
  /** Times at or below this may have left the rings: only the store knows them. */
  forgottenNs: bigint
  readonly onTime: IdentityRing
  readonly late: IdentityRing
  /** What the rings have let go during the batch at hand: not to be found in the store yet. */
  readonly justForgotten: RingIdentity[]
  /** The batch at hand. */
  batch: number
}

/** `new`: not seen; `duplicate`: the same again; `other_content`: same seq and time, other bytes;
 * `same_time`: another reading of the same moment. */
export type Verdict = 'new' | 'duplicate' | 'other_content' | 'same_time'

export function createChannelMemory(): ChannelMemory {
  return {
    maxTimeNs: 0n,
    forgottenNs: 0n,
    onTime: createRing(),
    late: createRing(),
    justForgotten: [],
    batch: 0,
  }
}

/** To be called before the elements of a batch are judged: the batch before is in the store by then. */
export function beginBatch(memory: ChannelMemory, batch: number): void {
  if (memory.batch === batch) return
  memory.batch = batch
  memory.justForgotten.length = 0
}

/** Whether the rings cannot tell and the store must be queried. `timeNs` is plausible. */
export function needsLookup(
  memory: ChannelMemory,
  element: ParsedElement,
  timeNs: bigint,
): boolean {
  if (timeNs > memory.maxTimeNs || timeNs > memory.forgottenNs) return false
  // Not `justForgotten`: that is of the batch before, and in the store by now.
  return !has(memory.onTime, timeNs, element) && !has(memory.late, timeNs, element)
}

/** Judges an element with a plausible device time and remembers it when it is not a duplicate. */
export function judgeTimed(
  memory: ChannelMemory,
  element: ParsedElement,
  timeNs: bigint,
  known: Known | undefined,
): Verdict {
  if (timeNs > memory.maxTimeNs) {
    memory.maxTimeNs = timeNs
    remember(memory, memory.onTime, timeNs, element)
    return 'new'
  }
  if (known === 'same') return 'duplicate'
  if (isRemembered(memory, timeNs, element)) return 'duplicate'
  const verdict = known === 'other_content' ? known : verdictOfMoment(memory, element, timeNs)
  remember(memory, memory.late, timeNs, element)
  return verdict
}

/** Judges an element whose claimed time cannot be used: the same claim and bytes are the same. */
export function judgeInvalidClock(
  memory: ChannelMemory,
  element: ParsedElement,
  claimedNs: bigint,
): Verdict {
  if (has(memory.late, claimedNs, element)) return 'duplicate'
  put(memory.late, claimedNs, element)
  return 'new'
}

/** Redelivery window of elements without a device time. */
const UNTIMED_WINDOW_NS = 600_000_000_000n

/** Judges an element without a time: a duplicate only with the DUP flag and recently seen bytes. */
export function judgeUntimed(
  memory: ChannelMemory,
  element: ParsedElement,
  received: { readonly atNs: bigint; readonly dup: boolean },
): Verdict {
  const since = received.atNs - UNTIMED_WINDOW_NS
  if (received.dup && hasSince(memory.onTime, since, element)) return 'duplicate'
  put(memory.onTime, received.atNs, element)
  return 'new'
}

/** Forgets a reading that the store has refused: its replay is not a duplicate. */
export function forget(memory: ChannelMemory, reading: Reading): void {
  const { timeNs, claimedTimeNs, hash } = reading
  const identity = { timeNs: claimedTimeNs ?? timeNs, seq: reading.seq ?? NO_SEQ, hash }
  remove(memory.onTime, identity)
  remove(memory.late, identity)
  const at = memory.justForgotten.findIndex((one) => isSame(one, identity))
  if (at >= 0) memory.justForgotten.splice(at, 1)
}

/** Stores an identity; the one that has to go for it stays known until the end of the batch. */
function remember(
  memory: ChannelMemory,
  ring: IdentityRing,
  timeNs: bigint,
  element: ParsedElement,
): void {
  const out = put(ring, timeNs, element)
  if (!out) return
  if (out.timeNs > memory.forgottenNs) memory.forgottenNs = out.timeNs
  memory.justForgotten.push(out)
}

function isRemembered(memory: ChannelMemory, timeNs: bigint, element: ParsedElement): boolean {
  if (has(memory.onTime, timeNs, element) || has(memory.late, timeNs, element)) return true
  const identity = { timeNs, seq: element.seq ?? NO_SEQ, hash: element.hash }
  return memory.justForgotten.some((one) => isSame(one, identity))
}

function isSame(a: RingIdentity, b: RingIdentity): boolean {
  return a.timeNs === b.timeNs && a.seq === b.seq && a.hash === b.hash
}

function verdictOfMoment(memory: ChannelMemory, { seq }: ParsedElement, timeNs: bigint): Verdict {
  const onTime = momentIn(memory.onTime, timeNs, seq)
  const late = onTime === 'same_seq' ? onTime : momentIn(memory.late, timeNs, seq)
  if (late === 'same_seq') return 'other_content'
  const isSeen = onTime === 'other_seq' || late === 'other_seq'
  let verdict: Verdict = isSeen ? 'same_time' : 'new'
  for (const one of memory.justForgotten) {
    if (one.timeNs !== timeNs) continue
    if (seq !== null && one.seq === seq) return 'other_content'
    verdict = 'same_time'
  }
  return verdict
}

/** Bytes for the snapshot; `decodeMemory` reads them back. */
export function encodeMemory({ maxTimeNs, forgottenNs, onTime, late }: ChannelMemory): Uint8Array {
  const view = new DataView(new ArrayBuffer(16 + ringBytes(onTime) + ringBytes(late)))
  view.setBigInt64(0, maxTimeNs)
  view.setBigInt64(8, forgottenNs)
  encodeRing(view, encodeRing(view, 16, onTime), late)
  return new Uint8Array(view.buffer)
}

export function decodeMemory(bytes: Uint8Array): ChannelMemory {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const memory = createChannelMemory()
  memory.maxTimeNs = view.getBigInt64(0)
  memory.forgottenNs = view.getBigInt64(8)
  decodeRing(view, decodeRing(view, 16, memory.onTime), memory.late)
  return memory
}
