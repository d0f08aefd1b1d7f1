import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Format, FormatOutput } from './format.ts'
import { withoutExtendedLink } from './mbus/frames/extended-link.ts'
import { bytesOf } from './mbus/hex.ts'
import { isWired, wiredFrame } from './mbus/frames/wired-frame.ts'
import { wirelessFrame } from './mbus/frames/wireless-frame.ts'
import type { KeyedInput } from './meters/aes-key.ts'
import { isProblem, refusedFor } from './mbus/problem.ts'
import { readTelegram } from './mbus/telegram.ts'
import { isMeter, notMeter } from './meters/meter.ts'
import { EVENT, outputOf, refuse } from './payload/output.ts'

/** Telegrams of M-Bus as they come off the air or the wire, in hexadecimal digits. */
export const mbus: Format = {
  name: 'mbus',
  description: 'Raw M-Bus telegrams in hex: wireless (frame A, B) and wired, clear or AES mode 5.',
  parse,
}

/**
 * A telegram tells no time that can be trusted (a meter clock drifts for years, in a zone it does
 * not name), so its reading is of the moment it was received.
 */
function parse(input: KeyedInput): FormatOutput {
  const { device, message, channel } = input
  if (channel === 'status') return EVENT
  const { kind } = device
  if (!isMeter(kind)) return refuse(notMeter(kind))
  const bytes = bytesOf(message.payload)
  if (isProblem(bytes)) return refuse(refusedFor(-1, bytes))
  const frame = isWired(bytes) ? wiredFrame(bytes) : wirelessFrame(bytes)
  const link = isProblem(frame) ? frame : withoutExtendedLink(frame, input)
  if (isProblem(link)) return refuse(refusedFor(-1, link))
  const hash = hashBytes(message.payload)
  const telegram = { ...link, elementIndex: -1, timeNs: null, flags: 0, hash }
  return outputOf([readTelegram(telegram, kind, input)])
}
