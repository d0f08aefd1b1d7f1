import type { IncomingMessage } from '#lib/telemetry/message.ts'
import { encodeRecord, roomFor } from '../record.ts'
import { createSlab, type Slab } from '../segments/slab.ts'

export type Done = (error: Error | null, position: number) => void

/** Messages that go to disk as one group. */
export interface Batch {
  readonly slab: Slab
  readonly used: number
  readonly firstPosition: number
  readonly dones: readonly Done[]
}

/** Messages that wait for the disk, encoded already, in batches that each become one group. */
export interface Pending {
  readonly messages: number
  readonly bytes: number
  /** Encodes behind what waits; answers the bytes of the record. */
  append(message: IncomingMessage, position: number, done: Done): number
  /** The oldest batch, closed to further messages; it stays until `shift`. */
  take(): Batch | null
  shift(): void
}

const SMALLEST_SLAB_BYTES = 64 * 1024
/** One in flight, one that fills, one in reserve. */
const SPARE_SLABS = 2

interface OpenBatch {
  slab: Slab
  used: number
  taken: boolean
  readonly firstPosition: number
  readonly dones: Done[]
}

export function createPending(maxBatchBytes: number): Pending {
  const batches: OpenBatch[] = []
  const spareSlabs: Slab[] = []
  let messages = 0
  let bytes = 0

  return {
    get messages() {
      return messages
    },
    get bytes() {
      return bytes
    },
    append(message, position, done) {
      const batch = batchFor(roomFor(message), position)
      const length = encodeRecord(batch.slab, batch.used, message, position)
      batch.used += length
      batch.dones.push(done)
      messages += 1
      bytes += length
      return length
    },
    take() {
      const batch = batches[0]
      if (!batch || batch.used === 0) return null
      batch.taken = true
      return batch
    },
    shift() {
      const batch = batches.shift()
      if (!batch) return
      messages -= batch.dones.length
      bytes -= batch.used
      const isUsual = batch.slab.bytes.length <= maxBatchBytes
      if (isUsual && spareSlabs.length < SPARE_SLABS) spareSlabs.push(batch.slab)
    },
  }

  /** The batch that takes the next record; a record over the limit gets one of its own. */
  function batchFor(room: number, position: number): OpenBatch {
    const last = batches.at(-1)
    if (
      last &&
      !last.taken &&
      last.used + room <= Math.max(maxBatchBytes, last.slab.bytes.length)
    ) {
      if (last.used + room > last.slab.bytes.length) grow(last, last.used + room)
      return last
    }
    const batch = { slab: slabFor(room), used: 0, taken: false, firstPosition: position, dones: [] }
    batches.push(batch)
    return batch
  }

  function slabFor(room: number): Slab {
    const spare = spareSlabs.pop()
    if (spare && spare.bytes.length >= room) return spare
    const usual = Math.min(SMALLEST_SLAB_BYTES, maxBatchBytes)
    return createSlab(Math.max(usual, room))
  }

  function grow(batch: OpenBatch, room: number): void {
    const slab = createSlab(Math.min(maxBatchBytes, Math.max(room, 2 * batch.slab.bytes.length)))
    batch.slab.bytes.copy(slab.bytes, 0, 0, batch.used)
    batch.slab = slab
  }
}
