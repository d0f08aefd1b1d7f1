import { createDecipheriv } from 'node:crypto'
import type { FormatInput } from '../format.ts'
import { aesKeyOf, keyProblem } from '../meters/aes-key.ts'
import type { MbusHeader } from './header.ts'
import { malformed, type TelegramProblem } from './problem.ts'

const BLOCK_BYTES = 16
const FILLER = 0x2f

/**
 * The records of a telegram in the clear. Security mode 5 (OMS volume 2): AES-128-CBC without
 * padding over as many blocks as the configuration word says; the first two clear bytes are 2F 2F,
 * which shows a wrong key. Receivers that have the key forward the clear bytes and leave the mode
 * as it was.
 */
export function clearRecords(header: MbusHeader, input: FormatInput): Uint8Array | TelegramProblem {
  const { body, config, address } = header
  const mode = (config >> 8) & 0x1f
  if (mode === 0) return body
  if (mode !== 5) {
    return malformed('security', 'security mode 0 or 5', `mode ${mode}`)
  }
  const length = ((config >> 4) & 0x0f) * BLOCK_BYTES
  if (length === 0) return body
  if (body.length < length) {
    const got = `${body.length}: the telegram is cut off`
    return malformed('security', `${length} encrypted bytes`, got)
  }
  const key = aesKeyOf(input)
  const isClear = startsClear(body)
  if (key === null || key === 'malformed') {
    if (isClear) return body
    const { expected, got } = keyProblem(key, `meter ${address?.id ?? 'of this topic'}`)
    return malformed('security', expected, got)
  }
  const iv = Buffer.alloc(BLOCK_BYTES, header.accessNumber)
  iv.set(address?.bytes ?? [])
  const cipher = createDecipheriv('aes-128-cbc', key, iv).setAutoPadding(false)
  const clear = Buffer.concat([cipher.update(body.subarray(0, length)), cipher.final()])
  if (startsClear(clear)) return Buffer.concat([clear, body.subarray(length)])
  if (isClear) return body
  const expected = '2F2F once decrypted with the registered aesKey'
  return malformed('security', expected, 'other bytes: the key of another meter, or damage')
}

function startsClear(bytes: Uint8Array): boolean {
  return bytes[0] === FILLER && bytes[1] === FILLER
}
