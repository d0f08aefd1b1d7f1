import { textSetting } from '#lib/telemetry/setting.ts'
import { medium, meterId } from '#lib/telemetry/shared-settings.ts'
import { hashBytes } from '#lib/telemetry/hash.ts'
import type { Format, FormatInput, FormatOutput } from './format.ts'
import { withoutExtendedLink } from './mbus/frames/extended-link.ts'
import { isWired, wiredFrame } from './mbus/frames/wired-frame.ts'
import { wirelessFrame } from './mbus/frames/wireless-frame.ts'
import { bytesOf } from './mbus/hex.ts'
import { refusedTelegram } from './mbus/problem.ts'
import { readTelegram } from './mbus/telegram.ts'
import { isMeter, notMeter } from './meters/meter.ts'
import { isProblem } from './payload/problem.ts'
import { EVENT, outputOf, refuse } from './payload/refusal.ts'

/** Raw M-Bus telegrams, wireless or wired, in hexadecimal digits. */
export const mbus: Format = {
  name: 'mbus',
  description: 'Raw M-Bus telegrams in hex: wireless (frame A, B) and wired, clear or AES mode 5.',
  kinds: ['heat_meter', 'energy_meter'],
  settings: {
    medium,
    meterId,
    compactFrame: textSetting('DIF and VIF of a full frame, in hexadecimal', {
      description:
        'DIF and VIF of all records of a full frame, for the compact frames of the meter.',
      pattern: /^(?:\s*[0-9a-fA-F]{2}\s*)+$/,
    }),
  },
  secrets: ['aesKey'],
  version: 2,
  parse,
}

/**
 * A telegram has no time that can be trusted (a meter clock drifts for years, in a zone it does not
 * name), so the time of its reading is the receive time.
 */
function parse(input: FormatInput): FormatOutput {
  const { device, message, channel } = input
  if (channel === 'status') return EVENT
  const { kind } = device
  if (!isMeter(kind)) return refuse(notMeter(kind))
  const bytes = bytesOf(message.payload)
  if (isProblem(bytes)) return refuse(refusedTelegram(-1, bytes))
  const frame = isWired(bytes) ? wiredFrame(bytes) : wirelessFrame(bytes)
  const link = isProblem(frame) ? frame : withoutExtendedLink(frame, input)
  if (isProblem(link)) return refuse(refusedTelegram(-1, link))
  const hash = hashBytes(message.payload)
  const telegram = { ...link, elementIndex: -1, timeNs: null, flags: 0, hash }
  return outputOf([readTelegram(telegram, kind, input)])
}
