import type { FormatInput, ParsedElement, RefusedElement } from '../format.ts'
import { METER_MEDIA, otherMedium } from '../meters/meter-media.ts'
import { energyField, meterElement, type MeterKind } from '../meters/meter.ts'
import { isEmpty, isProblem } from '../payload/problem.ts'
import { mbusHeader, type MbusAddress } from './header.ts'
import { refusedTelegram } from './problem.ts'
import { mbusRecords } from './records.ts'
import { clearRecords } from './security.ts'
import { mbusValues, mediumName } from './values.ts'

/** The application part of a telegram, with its place and time. */
export interface MbusTelegram extends Pick<
  ParsedElement,
  'elementIndex' | 'timeNs' | 'flags' | 'hash'
> {
  /** From the CI field on. */
  readonly data: Uint8Array
  /** From the link layer; null on a wire, where the header has it. */
  readonly address: MbusAddress | null
}

/** Reads one telegram of M-Bus, wired or wireless. */
export function readTelegram(
  telegram: MbusTelegram,
  kind: MeterKind,
  input: FormatInput,
): ParsedElement | RefusedElement {
  const { data, elementIndex, timeNs, flags, hash } = telegram
  const header = mbusHeader(data, telegram.address, input.device.settings)
  if (isProblem(header)) return refusedTelegram(elementIndex, header)
  const { address } = header
  const medium = address && mediumName(address.medium)
  if (medium !== null && !METER_MEDIA[kind].has(medium)) {
    return { ...otherMedium('medium', medium, kind), elementIndex }
  }
  const clear = clearRecords(header, input)
  if (isProblem(clear)) return refusedTelegram(elementIndex, clear)
  const records = mbusRecords(clear)
  if (isProblem(records)) return refusedTelegram(elementIndex, records)
  const manufacturer = address?.manufacturer ?? 0
  const register = energyField(medium, input.device.settings)
  const meter = { kind, medium, manufacturer, register }
  const { values, status } = mbusValues(records, meter, header.status)
  // A faulty status alone is a reading too.
  if (isEmpty(values) && !status.isFaulty) {
    return refusedTelegram(elementIndex, {
      reason: 'schema',
      path: ['records'],
      expected: `a current value of ${kind}, such as its register`,
      got: `${records.length} records without one`,
    })
  }
  const meterId = address?.id ?? null
  const found = { elementIndex, timeNs, flags, values, status, medium, meterId, hash }
  return meterElement(kind, input.device, found)
}
