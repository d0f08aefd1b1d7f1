import { createHash, timingSafeEqual } from 'node:crypto'
import { decodeJson } from '../bigint-json.ts'

/*
 * What both ends of the internal address share (docs/roles.md): paths, the secret, errors, and lines
 * of a stream that does not end.
 */

/** Another number when the two ends would no longer understand each other. */
export const INTERNAL = '/internal/v1'
export const PATHS = {
  /** POST, and the name of the question behind it. */
  ask: `${INTERNAL}/ask/`,
  /** POST: a file of readings. Its rows are in the header `x-rows`. */
  readingsFile: `${INTERNAL}/readings-file`,
  /** POST: what happens, as lines; PUT with `?stream=` says what of it is wanted. */
  live: `${INTERNAL}/live`,
  /** POST: a backup, as a tar file. */
  backup: `${INTERNAL}/backup`,
} as const

/** How often a live stream says where it stands, and after which silence it counts as lost. */
export const BEAT_MS = 500
export const SILENCE_MS = 5000

/** Of one question or answer line. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024

/** Compared as hashes, in constant time: neither content nor length of the secret shows. */
export function isBearer(header: string | undefined, secret: string): boolean {
  const [, given = ''] = /^Bearer (.*)$/.exec(header ?? '') ?? []
  const [a, b] = [given, secret].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

/** Values of a stream of lines, one batch per chunk that came; the last line may be cut off. */
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
    if (length > MAX_LINE_BYTES) throw new SyntaxError('expected a line, got more than it can have')
  }
}

const LINE_END = 10
