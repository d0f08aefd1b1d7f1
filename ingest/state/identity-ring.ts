/* Written for speed: typed arrays, so that a look through a ring costs no object and no garbage. */

/** What makes a reading the one it is, within its channel. */
export interface RingIdentity {
  readonly timeNs: bigint
  /** NO_SEQ without one. */
  readonly seq: number
  readonly hash: bigint
}

/** The latest identities of a channel; a new one takes the place of the oldest. */
export interface IdentityRing {
  readonly time: BigInt64Array
  readonly hash: BigUint64Array
  readonly seq: Float64Array
  size: number
  next: number
}

/** Enough for the in-flight window of common clients (64) on both sides of a reconnect. */
export const RING_SIZE = 128
export const NO_SEQ = -1

interface Element {
  readonly seq: number | null
  readonly hash: bigint
}

export function createRing(): IdentityRing {
  return {
    time: new BigInt64Array(RING_SIZE),
    hash: new BigUint64Array(RING_SIZE),
    seq: new Float64Array(RING_SIZE),
    size: 0,
    next: 0,
  }
}

/** Stores an identity and returns the one whose place it took. */
export function put(
  ring: IdentityRing,
  timeNs: bigint,
  { seq, hash }: Element,
): RingIdentity | null {
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

export function has(ring: IdentityRing, timeNs: bigint, { seq, hash }: Element): boolean {
  const wanted = seq ?? NO_SEQ
  for (let at = 0; at < ring.size; at += 1) {
    if (ring.seq[at] === wanted && ring.time[at] === timeNs && ring.hash[at] === hash) return true
  }
  return false
}

/** No identity has this time. */
const GONE_NS = -1n

/** Takes an identity out; its place is free when its turn comes. */
export function remove(ring: IdentityRing, { timeNs, seq, hash }: RingIdentity): void {
  for (let at = 0; at < ring.size; at += 1) {
    if (ring.seq[at] !== seq || ring.time[at] !== timeNs || ring.hash[at] !== hash) continue
    ring.time[at] = GONE_NS
  }
}

/** Whether the ring has the content at this time or later. */
export function hasSince(ring: IdentityRing, sinceNs: bigint, { seq, hash }: Element): boolean {
  const wanted = seq ?? NO_SEQ
  for (let at = 0; at < ring.size; at += 1) {
    if (ring.seq[at] !== wanted || ring.hash[at] !== hash) continue
    if ((ring.time[at] ?? 0n) >= sinceNs) return true
  }
  return false
}

/** What the ring has of a moment: an identity of the same number, of other ones only, or none. */
export function momentIn(
  ring: IdentityRing,
  timeNs: bigint,
  seq: number | null,
): 'same_seq' | 'other_seq' | 'none' {
  let found: 'other_seq' | 'none' = 'none'
  for (let at = 0; at < ring.size; at += 1) {
    if (ring.time[at] !== timeNs) continue
    if (seq !== null && ring.seq[at] === seq) return 'same_seq'
    found = 'other_seq'
  }
  return found
}

/** Bytes that `encodeRing` writes. */
export function ringBytes(ring: IdentityRing): number {
  return 4 + ring.size * 24
}

/** Big endian, as `ingest.db` has it; returns where it ends. */
export function encodeRing(view: DataView, start: number, ring: IdentityRing): number {
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

/** Reads into an empty ring; returns where it ends. */
export function decodeRing(view: DataView, start: number, ring: IdentityRing): number {
  const size = view.getUint32(start)
  let offset = start + 4
  for (let n = 0; n < size; n += 1) {
    ring.time[n] = view.getBigInt64(offset)
    ring.hash[n] = view.getBigUint64(offset + 8)
    ring.seq[n] = view.getFloat64(offset + 16)
    offset += 24
  }
  ring.size = size
  ring.next = size % RING_SIZE
  return offset
}
