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

interface OpenBatch {
  slab: Slab
  used: number
  taken: boolean
  readonly firstPosition: number
  readonly dones: Done[]
}

const MIN_SLAB_BYTES = 64 * 1024
/** One in flight, one that fills, one in reserve. */
const MAX_SPARE_SLABS = 2

/** Messages that wait for the disk, encoded already, in batches that each become one group. */
export class Pending {
  readonly #maxBatchBytes: number
  readonly #batches: OpenBatch[] = []
  readonly #spareSlabs: Slab[] = []
  #messages = 0
  #bytes = 0

  constructor(maxBatchBytes: number) {
    this.#maxBatchBytes = maxBatchBytes
  }

  get messages(): number {
    return this.#messages
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Encodes the message after those that wait; returns the bytes of its record. */
  append(message: IncomingMessage, position: number, done: Done): number {
    const batch = this.#batchFor(roomFor(message), position)
    const length = encodeRecord(batch.slab, batch.used, message, position)
    batch.used += length
    batch.dones.push(done)
    this.#messages += 1
    this.#bytes += length
    return length
  }

  /** The oldest batch, closed to further messages; it stays until `shift`. */
  take(): Batch | null {
    const batch = this.#batches[0]
    if (!batch || batch.used === 0) return null
    batch.taken = true
    return batch
  }

  shift(): void {
    const batch = this.#batches.shift()
    if (!batch) return
    this.#messages -= batch.dones.length
    this.#bytes -= batch.used
    const isUsual = batch.slab.bytes.length <= this.#maxBatchBytes
    if (isUsual && this.#spareSlabs.length < MAX_SPARE_SLABS) this.#spareSlabs.push(batch.slab)
  }

  /** The batch that takes the next record; a record over the limit gets one of its own. */
  #batchFor(room: number, position: number): OpenBatch {
    const last = this.#batches.at(-1)
    if (
      last &&
      !last.taken &&
      last.used + room <= Math.max(this.#maxBatchBytes, last.slab.bytes.length)
    ) {
      if (last.used + room > last.slab.bytes.length) this.#grow(last, last.used + room)
      return last
    }
    const slab = this.#slabFor(room)
    const batch = { slab, used: 0, taken: false, firstPosition: position, dones: [] }
    this.#batches.push(batch)
    return batch
  }

  #slabFor(room: number): Slab {
    const spare = this.#spareSlabs.pop()
    if (spare && spare.bytes.length >= room) return spare
    const usual = Math.min(MIN_SLAB_BYTES, this.#maxBatchBytes)
    return createSlab(Math.max(usual, room))
  }

  #grow(batch: OpenBatch, room: number): void {
    const doubled = Math.max(room, 2 * batch.slab.bytes.length)
    const slab = createSlab(Math.min(this.#maxBatchBytes, doubled))
    batch.slab.bytes.copy(slab.bytes, 0, 0, batch.used)
    batch.slab = slab
  }
}
