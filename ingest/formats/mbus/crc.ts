const POLYNOMIAL = 0x3d65

/** CRC-16 of EN 13757 (link layer and extended link layer), highest bit first, inverted. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit += 1) {
      crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ POLYNOMIAL
    }
  }
  return ~crc & 0xffff
}
