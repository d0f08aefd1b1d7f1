import { createHash, timingSafeEqual } from 'node:crypto'
import { decodeJson } from '../encoding/bigint-json.ts'

/*
 * What both ends of the internal address share (docs/roles.md): paths, the secret, and lines of a
 * stream that does not end.
 */

/** The number changes when the two ends are no longer compatible. */
export const INTERNAL = '/internal/v1'
export const PATHS = {
  /** POST, followed by the name of the query. */
  query: `${INTERNAL}/ask/`,
  /** POST: a file of readings. Its rows are in the header `x-rows`. */
  readingsFile: `${INTERNAL}/readings-file`,
  /** POST: live events, as lines; PUT with `?stream=` sets which of them are wanted. */
  live: `${INTERNAL}/live`,
  /** POST: a backup, as a tar file. */
  backup: `${INTERNAL}/backup`,
} as const

/** How often a live stream sends its position, and after which silence it counts as lost. */
export const BEAT_MS = 500
export const SILENCE_MS = 5000

/** Of one query or result line. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024

/** Compared as hashes, in constant time: reveals neither content nor length of the secret. */
export function isBearer(header: string | undefined, secret: string): boolean {
  const [, given = ''] = /^Bearer (.*)$/.exec(header ?? '') ?? []
  const [a, b] = [given, secret].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

/** Values of a stream of lines; the last line may be cut off. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of bytes) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let end: number
    while ((end = rest.indexOf(LINE_END)) >= 0) {
      const line = Buffer.concat([...parts, rest.subarray(0, end)]).toString()
      parts = []
      length = 0
      rest = rest.subarray(end + 1)
      yield decodeJson(line)
    }
    parts.push(rest)
    length += rest.byteLength
    if (length > MAX_LINE_BYTES)
      throw new SyntaxError(`expected a line of at most ${MAX_LINE_BYTES} bytes, got a longer one`)
  }
}

const LINE_END = 10
