import type { Frame } from './frame.ts'
import { SUBSCRIBE } from './packet-types.ts'

/** The filters of a SUBSCRIBE or UNSUBSCRIBE, without reading them; null where it is cut off. */
export function countFilters(bytes: Buffer, { type, bodyAt, end }: Frame): number | null {
  const qosBytes = type === SUBSCRIBE ? 1 : 0
  // After the packet identifier.
  let at = bodyAt + 2
  let filters = 0
  while (at + 2 <= end) {
    at += 2 + bytes.readUInt16BE(at) + qosBytes
    filters += 1
  }
  return at === end ? filters : null
}
