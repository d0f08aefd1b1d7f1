import type { Random } from '#lib/runtime/random.ts'

/** What a disk can tear a write into: whole sectors are new or old, one may be new up to a byte. */
const SECTOR_BYTES = 512

type Change = { readonly bytes: Buffer; readonly offset: number } | { readonly truncateTo: number }

/** One file of a simulated disk: what everybody reads, and what a power loss would leave. */
export interface SimulatedFile {
  /** As the page cache shows it. */
  readonly cached: Buffer
  write(bytes: Uint8Array, offset: number): void
  truncate(bytes: number): void
  /** How many changes are not synced. */
  readonly changes: number
  /** The first so many changes are on the disk, except what an earlier failed sync gave up. */
  sync(changes: number): void
  /** Some of the unsynced changes reach the disk, others never will, and the cache hides which. */
  failSync(random: Random): void
  /** Some sectors of what was not synced reach the disk, nothing is promised. */
  leak(random: Random): void
  /** The cache is gone; what was not synced is there, lost or torn. */
  losePower(random: Random): void
}

export function createSimulatedFile(): SimulatedFile {
  let cached: Buffer = Buffer.alloc(0)
  let durable: Buffer = Buffer.alloc(0)
  let unsynced: Change[] = []

  return {
    get cached() {
      return cached
    },
    write(bytes, offset) {
      change({ bytes: Buffer.from(bytes), offset })
    },
    truncate(bytes) {
      change({ truncateTo: bytes })
    },
    get changes() {
      return unsynced.length
    },
    sync(changes) {
      for (const one of unsynced.splice(0, changes)) durable = applied(durable, one)
    },
    failSync(random) {
      tear(random)
      unsynced = []
    },
    leak: tear,
    losePower(random) {
      tear(random)
      unsynced = []
      cached = Buffer.from(durable)
    },
  }

  function change(one: Change): void {
    cached = applied(cached, one)
    unsynced.push(one)
  }

  /** Each change is kept, lost or torn, whatever becomes of the others. */
  function tear(random: Random): void {
    for (const one of unsynced) {
      const fate = random.next()
      if (fate < 0.3) durable = applied(durable, one)
      else if (fate < 0.7 && 'bytes' in one) durable = torn(durable, one, random)
    }
  }
}

function applied(content: Buffer, change: Change): Buffer {
  if ('truncateTo' in change) return sized(content, change.truncateTo)
  const { bytes, offset } = change
  const grown = sized(content, Math.max(content.length, offset + bytes.length))
  bytes.copy(grown, offset)
  return grown
}

function torn(
  content: Buffer,
  { bytes, offset }: { readonly bytes: Buffer; readonly offset: number },
  random: Random,
): Buffer {
  const share = random.next()
  let result = content
  const cutAt = random.integer(0, bytes.length)
  for (let at = 0; at < bytes.length;) {
    const sectorEnd = SECTOR_BYTES - ((offset + at) % SECTOR_BYTES)
    const end = Math.min(bytes.length, at + sectorEnd)
    const kept = at <= cutAt && cutAt < end ? cutAt : random.next() < share ? end : at
    if (kept > at)
      result = applied(result, { bytes: bytes.subarray(at, kept), offset: offset + at })
    at = end
  }
  return result
}

function sized(content: Buffer, bytes: number): Buffer {
  const result = Buffer.alloc(bytes)
  content.copy(result, 0, 0, Math.min(bytes, content.length))
  return result
}
