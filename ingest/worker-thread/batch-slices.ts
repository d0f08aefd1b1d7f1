import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Cursor } from '../journal/journal.ts'

/** Elements that are judged and written together at most: a few of a message make more than its bytes. */
export const MAX_BATCH_ELEMENTS = 20_000
/** Up to here an object is taken for one element. */
const SMALL_BYTES = 2048

export interface BatchSlice {
  readonly messages: readonly JournaledMessage[]
  /** Everything before it is done when the slice is. */
  readonly cursor: Cursor
}

/**
 * What was read from the journal, in slices of so many elements that neither memory nor the time
 * between two queries depends on what a device puts into an array. One message is never cut.
 */
export function* slicesOf(
  messages: readonly JournaledMessage[],
  { from, next }: { readonly from: Cursor; readonly next: Cursor },
): Generator<BatchSlice> {
  let start = 0
  let elements = 0
  for (const [at, { payload }] of messages.entries()) {
    const more = maxElementsIn(payload)
    if (elements > 0 && elements + more > MAX_BATCH_ELEMENTS) {
      const position = messages[at - 1]?.position ?? from.position
      // Read again from here, records up to the position are skipped.
      yield { messages: messages.slice(start, at), cursor: { ...from, position } }
      start = at
      elements = 0
    }
    elements += more
  }
  yield { messages: start === 0 ? messages : messages.slice(start), cursor: next }
}

const COMMA = 0x2c
const NEWLINE = 0x0a
const OPENING_BRACKET = 0x5b

/** No payload has more elements than it has commas or lines. */
function maxElementsIn(payload: Uint8Array): number {
  if (payload.length <= SMALL_BYTES && payload[0] !== OPENING_BRACKET) return 1
  let elements = 1
  for (const byte of payload) {
    if (byte === COMMA || byte === NEWLINE) elements += 1
  }
  return elements
}
