/** Reads big-endian numbers one after the other; after the end it reads zeros and remembers it. */
export interface ByteReader {
  at(): number
  left(): number
  /** Whether more bytes were read than there are. */
  isShort(): boolean
  unsigned(bytes: 1 | 2 | 4): number
  signed(bytes: 2 | 4): number
  unsigned64(): bigint
  skip(bytes: number): void
}

export function createByteReader(bytes: Uint8Array): ByteReader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  let isShort = false

  /** The start of the next bytes; -1 after the end. */
  function take(count: number): number {
    if (isShort || at + count > bytes.length) {
      isShort = true
      return -1
    }
    at += count
    return at - count
  }

  return {
    at: () => at,
    left: () => bytes.length - at,
    isShort: () => isShort,
    unsigned(count) {
      const from = take(count)
      if (from < 0) return 0
      if (count === 1) return view.getUint8(from)
      return count === 2 ? view.getUint16(from) : view.getUint32(from)
    },
    signed(count) {
      const from = take(count)
      if (from < 0) return 0
      return count === 2 ? view.getInt16(from) : view.getInt32(from)
    },
    unsigned64() {
      const from = take(8)
      return from < 0 ? 0n : view.getBigUint64(from)
    },
    skip(count) {
      take(count)
    },
  }
}
