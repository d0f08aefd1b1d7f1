// Written for speed: two lanes of 32-bit arithmetic over whole words, no BigInt until the end.

/**
 * A 64-bit content hash that tells readings apart: each word is mixed into both lanes (multiply and
 * rotate, finished like MurmurHash3). Not cryptographic: a device can only deceive itself. The
 * values are stored, so the function may never change; a test holds vectors.
 */
export function hashBytes(bytes: Uint8Array): bigint {
  const length = bytes.length
  const whole = length & ~3
  let a = SEED_A ^ length
  let b = SEED_B
  // Every index is below `length`.
  for (let at = 0; at < whole; at += 4) {
    const word =
      bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    a = Math.imul(a ^ word, PRIME_A)
    a = (a << 13) | (a >>> 19)
    b = Math.imul(b + word, PRIME_B) ^ a
    b = (b << 17) | (b >>> 15)
  }
  let tail = 0
  for (let at = whole; at < length; at += 1) tail = (tail << 8) | bytes[at]!
  return finish(a, b, tail)
}

/** The same over the UTF-16 units of a text; differs from the hash of its bytes. */
export function hashText(text: string): bigint {
  const length = text.length
  const whole = length & ~1
  let a = SEED_A ^ length ^ TEXT
  let b = SEED_B
  for (let at = 0; at < whole; at += 2) {
    const word = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)
    a = Math.imul(a ^ word, PRIME_A)
    a = (a << 13) | (a >>> 19)
    b = Math.imul(b + word, PRIME_B) ^ a
    b = (b << 17) | (b >>> 15)
  }
  return finish(a, b, whole < length ? text.charCodeAt(whole) : 0)
}

// Odd constants with well spread bits: those of MurmurHash3 and xxHash32.
const PRIME_A = 0xcc9e2d51
const PRIME_B = 0x9e3779b1
const SEED_A = 0x1b873593
const SEED_B = 0x85ebca77
const TEXT = 0x27d4eb2f

function finish(laneA: number, laneB: number, tail: number): bigint {
  const a = avalanche(Math.imul(laneA ^ tail, PRIME_B) + laneB)
  const b = avalanche(Math.imul(laneB + tail, PRIME_A) ^ a)
  return (BigInt(a) << 32n) | BigInt(b)
}

function avalanche(lane: number): number {
  let x = lane | 0
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return (x ^ (x >>> 16)) >>> 0
}
