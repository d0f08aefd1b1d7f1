export interface Payload {
  readonly text: string
  readonly isText: boolean
  readonly size: number
}

const MAX_SHOWN_BYTES = 20_000

/** The original bytes as text, else as hexadecimal; long ones are cut. */
export function payloadOf(base64: string): Payload {
  const bytes = Uint8Array.from(atob(base64), (character) => character.codePointAt(0) ?? 0)
  const size = bytes.length
  const head = bytes.subarray(0, MAX_SHOWN_BYTES)
  const more = size > MAX_SHOWN_BYTES ? ' …' : ''
  try {
    const text = new TextDecoder('utf-8', { fatal: size <= MAX_SHOWN_BYTES }).decode(head)
    return { text: text + more, isText: true, size }
  } catch {
    // Not UTF-8: shown byte by byte.
    const hex = Array.from(head, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    return { text: hex + more, isText: false, size }
  }
}
