import { meterId, timezone } from '#lib/telemetry/shared-settings.ts'
import { FLAGS } from '#lib/telemetry/flags.ts'
import { hashText } from '#lib/telemetry/hash.ts'
import { reportOf, type Row } from './elvaco/report-rows.ts'
import type { Format, FormatInput, FormatOutput, ParsedElement, RefusedElement } from './format.ts'
import { bytesOf } from './mbus/hex.ts'
import { readTelegram } from './mbus/telegram.ts'
import { isMeter, meterIdOf, notMeter, type MeterKind } from './meters/meter.ts'
import { isProblem } from './payload/problem.ts'
import { show, showPath } from './payload/reason.ts'
import { EVENT, outputOf, refusal, refuse } from './payload/refusal.ts'
import { readStatedTime, zoneOf } from './payload/stated-time.ts'

/** Reports of the M-Bus gateway CMe3100: rows of CSV with the raw telegrams of a meter. */
export const elvaco: Format = {
  name: 'elvaco',
  description: 'CSV of Elvaco CMe3100, report template 4001: raw M-Bus telegrams of a meter.',
  kinds: ['heat_meter', 'energy_meter'],
  settings: { timezone, meterId },
  secrets: ['aesKey'],
  parse,
}

/** `<base>/ecmXv1.0/CMe3100/<template>/<gateway>/<meter>`; the base may have any levels. */
const TOPIC = /(?:^|\/)ecmXv[\d.]+\/[^/]+\/(\d+)\/[^/]+\/([^/]+)$/

const RAW = 'mbus-raw-value'

function parse(input: FormatInput): FormatOutput {
  const { device, message, channel } = input
  if (channel === 'status') return EVENT
  const { kind } = device
  if (!isMeter(kind)) return refuse(notMeter(kind))
  const { columns, rows } = reportOf(Buffer.from(message.payload).toString('latin1'))
  if (!columns.includes(RAW) || !columns.includes('created')) {
    return refuse(notRaw(columns, TOPIC.exec(channel)?.[1]))
  }
  if (rows.length === 0) {
    const expected = 'rows of a report, template 4001'
    return refuse(refusal(-1, 'schema', { path: [], expected, got: 'none' }))
  }
  return outputOf(rows.map((row, elementIndex) => readRow(row, elementIndex, kind, input)))
}

function readRow(
  row: Row,
  elementIndex: number,
  kind: MeterKind,
  input: FormatInput,
): ParsedElement | RefusedElement {
  if (row.wrongCount !== null) {
    const expected = `${Object.keys(row.cells).length} cells with ; between them`
    return refusal(elementIndex, 'malformed', { path: [], expected, got: `${row.wrongCount}` })
  }
  const { created = '', 'device-identification': identified = '', [RAW]: raw = '' } = row.cells
  const zone = zoneOf(input.device.settings['timezone'])
  const time = readStatedTime(created, zone)
  if ('expected' in time) return refusal(elementIndex, 'schema', { path: ['created'], ...time })
  const bytes = bytesOf(Buffer.from(raw))
  if (isProblem(bytes)) return refusal(elementIndex, bytes.reason, { ...bytes, path: [RAW] })
  // The telegram begins with control field and address; the gateway leaves the checksum out.
  const telegram = {
    data: bytes.subarray(2),
    address: null,
    elementIndex,
    ...time,
    hash: hashText(row.text),
  }
  const result = readTelegram(telegram, kind, input)
  if ('reason' in result) return withPath(result, elementIndex)
  const isSame = isOneMeter([result.fields['meterId'], identified, TOPIC.exec(input.channel)?.[2]])
  const flags = isSame ? result.flags : result.flags | FLAGS.identity_mismatch
  return { ...result, flags, timePath: showPath([elementIndex, 'created']) }
}

/** A path within the telegram, made one from the root of the payload. */
function withPath(refused: RefusedElement, elementIndex: number): RefusedElement {
  const inner = refused.path === '' ? '' : `.${refused.path}`
  return { ...refused, path: `${showPath([elementIndex, RAW])}${inner}` }
}

/** Telegram, row and topic may each name the meter; those that do must agree. */
function isOneMeter(ids: readonly unknown[]): boolean {
  const known = ids.map(meterIdOf).filter((id) => id !== null)
  return new Set(known).size <= 1
}

function notRaw(columns: readonly string[], template: string | undefined): RefusedElement {
  const expected = `report template 4001, with the columns created and ${RAW}`
  const named = template === undefined ? '' : `template ${template}, `
  const got = `${named}columns ${show(columns.join(';'))}`
  return refusal(-1, 'schema', { path: [], expected, got })
}
