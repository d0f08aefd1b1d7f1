import { ACK_BYTES, writeAck } from '#lib/mqtt/acks.ts'
import { PUBACK } from '#lib/mqtt/packet-types.ts'

interface Expected {
  readonly messageId: number
  isReady: boolean
}

/** Sent entries at the front of the queue that are worth to be cut off. */
const CUT_AT = 1024

/**
 * PUBACKs in the order in which the messages came ([MQTT-4.6.0-2]), each after its message is durable,
 * and all that become durable in one turn in one write.
 */
export class OrderedAcks {
  readonly #write: (bytes: Buffer) => void
  #queue: Expected[] = []
  #first = 0
  #isScheduled = false

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write
  }

  /** A message came; call the result when the message may be acknowledged. */
  expect(messageId: number): () => void {
    const expected = { messageId, isReady: false }
    this.#queue.push(expected)
    return () => {
      expected.isReady = true
      if (this.#isScheduled || this.#queue[this.#first] !== expected) return
      this.#isScheduled = true
      process.nextTick(() => this.flush())
    }
  }

  /** Messages not acknowledged yet. */
  get open(): number {
    return this.#queue.length - this.#first
  }

  /** Writes what may be written now. */
  flush(): void {
    this.#isScheduled = false
    let end = this.#first
    while (this.#queue[end]?.isReady) end += 1
    if (end === this.#first) return
    const bytes = Buffer.allocUnsafe((end - this.#first) * ACK_BYTES)
    for (let at = 0; this.#first < end; this.#first += 1, at += ACK_BYTES) {
      writeAck(bytes, at, PUBACK, this.#queue[this.#first]?.messageId ?? 0)
    }
    if (this.#first >= CUT_AT || this.#first === this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first)
      this.#first = 0
    }
    this.#write(bytes)
  }
}
