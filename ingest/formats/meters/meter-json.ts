import type { FormatInput, FormatOutput, RefusedElement } from '../format.ts'
import { native } from '../native.ts'
import { hiddenFault } from '../payload/hidden-fault.ts'
import { parseJson } from '../payload/json-text.ts'
import { isMeter, notMeter, type MeterKind } from './meter.ts'
import { refuse } from '../payload/output.ts'
import { isRecord, refusal } from '../payload/native-element.ts'
import { isNativeReading } from '../payload/native-reading.ts'
import { describe } from '../payload/wording.ts'

export type Payload = Readonly<Record<string, unknown>>

/**
 * How every JSON convention of meters begins: what is one object, and not a native payload on a
 * native channel, of a device registered as meter, goes to `read`.
 */
export function readMeterJson(
  input: FormatInput,
  read: (payload: Payload, kind: MeterKind, input: FormatInput) => FormatOutput,
): FormatOutput {
  const { device, message, channel } = input
  const { value, text, problem } = parseJson(message.payload)
  if (problem) return refuse(problem)
  if (isNativeReading(channel, value)) return native.parse(input)
  const { kind } = device
  if (!isMeter(kind)) return refuse(notMeter(kind))
  if (!isRecord(value)) return refuse(wrong('', 'object', describe(value)))
  const hidden = hiddenFault(message.payload, text, value)
  return hidden ? refuse(hidden) : read(value, kind, input)
}

/** What is wrong with a payload of one object, by the name of its part; '' is the whole of it. */
export function wrong(path: string, expected: string, got: string): RefusedElement {
  return refusal(-1, 'schema', { path: path === '' ? [] : [path], expected, got })
}

const SHOWN_NAMES = 5

/** The numbers of a payload that holds none we can use. */
export function numbersIn(payload: Payload): string {
  const numbers = Object.keys(payload).filter((name) => typeof payload[name] === 'number')
  const shown = numbers.slice(0, SHOWN_NAMES).map((name) => name.slice(0, 48))
  return shown.length === 0 ? 'no number' : `no current value, only ${shown.join(', ')}`
}
