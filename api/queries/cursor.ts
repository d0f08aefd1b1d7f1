import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto'

/** Where a list or series continues. The span is fixed, so that pages of "the last day" fit together. */
export interface Cursor {
  /** A cursor continues the same query only. */
  readonly query: string
  readonly fromNs: bigint
  readonly toNs: bigint
  /** The row that the next page follows, in the notation of the list that made the page. */
  readonly after: string
}

export interface Cursors {
  seal(cursor: Cursor): string
  /** Null for anything that `seal` did not make for this query. */
  open(query: string, text: string): Cursor | null
}

const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * Cursors travel encrypted: those of the store name devices, which not every caller may know. The
 * IV is made of the content, so that equal pages have equal cursors.
 */
export function createCursors(secret: string): Cursors {
  const key = createHmac('sha256', secret).update('cursor encryption').digest()
  const ivKey = createHmac('sha256', secret).update('cursor iv').digest()

  return {
    seal({ query, fromNs, toNs, after }) {
      const text = JSON.stringify([query, String(fromNs), String(toNs), after])
      const iv = createHmac('sha256', ivKey).update(text).digest().subarray(0, IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(query, text) {
      const parts = unsealed(Buffer.from(text, 'base64url'))
      if (!parts || parts[0] !== query) return null
      const [, from, to, after] = parts
      return { query, fromNs: BigInt(from), toNs: BigInt(to), after }
    },
  }

  function unsealed(bytes: Buffer): readonly [string, string, string, string] | null {
    if (bytes.length <= IV_BYTES + TAG_BYTES) return null
    const options = { authTagLength: TAG_BYTES }
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), options)
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    try {
      const body = decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES))
      return JSON.parse(Buffer.concat([body, decipher.final()]).toString('utf8'))
    } catch {
      // Made elsewhere, or changed since: the caller of this function reports it.
      return null
    }
  }
}
