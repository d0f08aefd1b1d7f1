export interface Payload {
  readonly text: string
  readonly isText: boolean
  readonly size: number
}

const MOST_SHOWN = 20_000

/** The original bytes as text, else as hexadecimal; long ones are cut. */
export function payloadOf(base64: string): Payload {
  const bytes = Uint8Array.from(atob(base64), (character) => character.codePointAt(0) ?? 0)
  const size = bytes.length
  const head = bytes.subarray(0, MOST_SHOWN)
  const more = size > MOST_SHOWN ? ' …' : ''
  try {
    const text = new TextDecoder('utf-8', { fatal: size <= MOST_SHOWN }).decode(head)
    return { text: text + more, isText: true, size }
  } catch {
    // Not UTF-8: shown byte by byte.
    const hex = Array.from(head, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
    return { text: hex + more, isText: false, size }
  }
}
