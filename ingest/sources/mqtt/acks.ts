/**
 * PUBACKs in the order in which the messages came ([MQTT-4.6.0-2]), each after its message is durable
 * and all that become so in one turn in one write.
 */
export interface Acks {
  /** A message came; what is answered is called when it may be acknowledged. */
  expect(messageId: number): () => void
  /** Writes what may be written now. */
  flush(): void
  /** Messages not acknowledged yet. */
  readonly open: number
}

interface Expected {
  readonly messageId: number
  ready: boolean
}

const PUBACK = 0x40
const PUBACK_BYTES = 4
/** Acknowledged entries in front of the queue that are worth to be cut off. */
const CUT_AT = 1024

export function createAcks(write: (bytes: Buffer) => void): Acks {
  let queue: Expected[] = []
  let first = 0
  let scheduled = false

  return {
    expect(messageId) {
      const expected = { messageId, ready: false }
      queue.push(expected)
      return () => {
        expected.ready = true
        if (scheduled || queue[first] !== expected) return
        scheduled = true
        process.nextTick(flush)
      }
    },
    flush,
    get open() {
      return queue.length - first
    },
  }

  function flush(): void {
    scheduled = false
    let end = first
    while (queue[end]?.ready) end += 1
    if (end === first) return
    const bytes = Buffer.allocUnsafe((end - first) * PUBACK_BYTES)
    for (let at = 0; first < end; first += 1, at += PUBACK_BYTES) {
      // Reason code and properties may be left out for success (MQTT 5, 3.4.2.1).
      bytes[at] = PUBACK
      bytes[at + 1] = 2
      bytes.writeUInt16BE(queue[first]?.messageId ?? 0, at + 2)
    }
    if (first >= CUT_AT || first === queue.length) {
      queue = queue.slice(first)
      first = 0
    }
    write(bytes)
  }
}
