import type { Known } from '#lib/store/store.ts'
import type { ParsedElement } from '../formats/format.ts'

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
  readonly onTime: Ring
  readonly late: Ring
  /** What the rings have let go during the batch at hand: not to be found in the store yet. */
  readonly justForgotten: Identity[]
  /** The batch at hand. */
  batch: number
}

interface Identity {
  readonly timeNs: bigint
  readonly seq: number
  readonly hash: bigint
}

interface Ring {
  readonly time: BigInt64Array
  readonly hash: BigUint64Array
  readonly seq: Float64Array
  size: number
  next: number
}

/** Enough for the in-flight window of common clients (64) on both sides of a reconnect. */
const RING_SIZE = 128
const NO_SEQ = -1

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

/** To be called before the elements of a batch are judged: the batch before is in the store by now. */
export function beginBatch(memory: ChannelMemory, batch: number): void {
  if (memory.batch === batch) return
  memory.batch = batch
  memory.justForgotten.length = 0
}

/** Whether the rings cannot tell and the store has to be asked. `timeNs` is plausible. */
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
  const verdict = known === 'other_content' ? 'other_content' : sameMoment(memory, element, timeNs)
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

/** Redelivery window of elements without a device time (docs/devices.md: ten minutes). */
const UNTIMED_WINDOW_NS = 600_000_000_000n

/** Judges an element without a time: a duplicate only with the DUP flag and recently seen bytes. */
export function judgeUntimed(
  memory: ChannelMemory,
  element: ParsedElement,
  received: { readonly atNs: bigint; readonly dup: boolean },
): Verdict {
  const since = received.atNs - UNTIMED_WINDOW_NS
  if (received.dup && seenSince(memory.onTime, since, element)) return 'duplicate'
  put(memory.onTime, received.atNs, element)
  return 'new'
}

function createRing(): Ring {
  return {
    time: new BigInt64Array(RING_SIZE),
    hash: new BigUint64Array(RING_SIZE),
    seq: new Float64Array(RING_SIZE),
    size: 0,
    next: 0,
  }
}

/** Stores an identity; the one that has to go for it stays known until the end of the batch. */
function remember(memory: ChannelMemory, ring: Ring, timeNs: bigint, element: ParsedElement): void {
  const out = put(ring, timeNs, element)
  if (!out) return
  if (out.timeNs > memory.forgottenNs) memory.forgottenNs = out.timeNs
  memory.justForgotten.push(out)
}

/** Stores an identity in a ring and returns the one it pushed out. */
function put(ring: Ring, timeNs: bigint, { seq, hash }: ParsedElement): Identity | null {
  const at = ring.next
  const out =
    ring.size === RING_SIZE
      ? { timeNs: ring.time[at] ?? 0n, seq: ring.seq[at] ?? NO_SEQ, hash: ring.hash[at] ?? 0n }
      : null
  ring.time[at] = timeNs
  ring.hash[at] = hash
  ring.seq[at] = seq ?? NO_SEQ
  ring.next = (at + 1) % RING_SIZE
  if (ring.size < RING_SIZE) ring.size += 1
  return out
}

function isRemembered(memory: ChannelMemory, timeNs: bigint, element: ParsedElement): boolean {
  if (has(memory.onTime, timeNs, element) || has(memory.late, timeNs, element)) return true
  const seq = element.seq ?? NO_SEQ
  return memory.justForgotten.some(
    (one) => one.timeNs === timeNs && one.seq === seq && one.hash === element.hash,
  )
}

function has(ring: Ring, timeNs: bigint, { seq, hash }: ParsedElement): boolean {
  const wanted = seq ?? NO_SEQ
  for (let at = 0; at < ring.size; at += 1) {
    if (ring.seq[at] === wanted && ring.time[at] === timeNs && ring.hash[at] === hash) return true
  }
  return false
}

function seenSince(ring: Ring, sinceNs: bigint, { seq, hash }: ParsedElement): boolean {
  const wanted = seq ?? NO_SEQ
  for (let at = 0; at < ring.size; at += 1) {
    if (ring.seq[at] !== wanted || ring.hash[at] !== hash) continue
    if ((ring.time[at] ?? 0n) >= sinceNs) return true
  }
  return false
}

function sameMoment(memory: ChannelMemory, { seq }: ParsedElement, timeNs: bigint): Verdict {
  let verdict: Verdict = 'new'
  for (const ring of [memory.onTime, memory.late]) {
    for (let at = 0; at < ring.size; at += 1) {
      if (ring.time[at] !== timeNs) continue
      if (seq !== null && ring.seq[at] === seq) return 'other_content'
      verdict = 'same_time'
    }
  }
  for (const one of memory.justForgotten) {
    if (one.timeNs !== timeNs) continue
    if (seq !== null && one.seq === seq) return 'other_content'
    verdict = 'same_time'
  }
  return verdict
}

/** Bytes for the snapshot; `decodeMemory` reads them back. */
export function encodeMemory(memory: ChannelMemory): Uint8Array {
  const size = 24 + 8 + (memory.onTime.size + memory.late.size) * 24
  const view = new DataView(new ArrayBuffer(size))
  view.setBigInt64(0, memory.maxTimeNs)
  view.setBigInt64(8, memory.forgottenNs)
  let offset = 16
  for (const ring of [memory.onTime, memory.late]) offset = encodeRing(view, offset, ring)
  return new Uint8Array(view.buffer, 0, offset)
}

function encodeRing(view: DataView, start: number, ring: Ring): number {
  view.setUint32(start, ring.size)
  let offset = start + 4
  // Oldest first, so that reading back keeps the order of forgetting.
  const first = ring.size === RING_SIZE ? ring.next : 0
  for (let n = 0; n < ring.size; n += 1) {
    const at = (first + n) % RING_SIZE
    view.setBigInt64(offset, ring.time[at] ?? 0n)
    view.setBigUint64(offset + 8, ring.hash[at] ?? 0n)
    view.setFloat64(offset + 16, ring.seq[at] ?? NO_SEQ)
    offset += 24
  }
  return offset
}

export function decodeMemory(bytes: Uint8Array): ChannelMemory {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const memory = createChannelMemory()
  memory.maxTimeNs = view.getBigInt64(0)
  memory.forgottenNs = view.getBigInt64(8)
  let offset = 16
  for (const ring of [memory.onTime, memory.late]) {
    const size = view.getUint32(offset)
    offset += 4
    for (let n = 0; n < size; n += 1) {
      ring.time[n] = view.getBigInt64(offset)
      ring.hash[n] = view.getBigUint64(offset + 8)
      ring.seq[n] = view.getFloat64(offset + 16)
      offset += 24
    }
    ring.size = size
    ring.next = size % RING_SIZE
  }
  return memory
}
