import { createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto'

const MAC_BYTES = 32
const IV_BYTES = 16
const BLOCK_BYTES = 16
const HEAD_BYTES = MAC_BYTES + IV_BYTES

/** Whether a payload can be one that MeterLogger has encrypted: a MAC, an IV, whole blocks. */
export function isEncrypted({ length }: Uint8Array): boolean {
  return length >= HEAD_BYTES + BLOCK_BYTES && (length - HEAD_BYTES) % BLOCK_BYTES === 0
}

/**
 * The clear bytes of a MeterLogger message, or null where the MAC does not fit: another key,
 * another topic, or damage. Both keys are halves of the SHA-256 of the registered one; the MAC
 * covers topic, IV and data (nabovarme/MeterLogger, README).
 */
export function decrypt(payload: Uint8Array, topic: string, masterKey: Uint8Array): Buffer | null {
  const keys = createHash('sha256').update(masterKey).digest()
  const sealed = payload.subarray(MAC_BYTES)
  const mac = createHmac('sha256', keys.subarray(16)).update(topic).update(sealed).digest()
  if (!timingSafeEqual(mac, payload.subarray(0, MAC_BYTES))) return null
  const iv = sealed.subarray(0, IV_BYTES)
  const cipher = createDecipheriv('aes-128-cbc', keys.subarray(0, 16), iv).setAutoPadding(false)
  return Buffer.concat([cipher.update(sealed.subarray(IV_BYTES)), cipher.final()])
}
