import type { FormatInput, FormatOutput, RefusedElement } from '../format.ts'
import { hiddenFault } from '../payload/fault-refusal.ts'
import { isRecord, type Values } from '../payload/problem.ts'
import { readJson } from '../payload/read-json.ts'
import { describe, showNames } from '../payload/reason.ts'
import { refusal, refuse } from '../payload/refusal.ts'
import { isMeter, notMeter, type MeterKind } from './meter.ts'

/**
 * How every JSON convention of meters begins: one object of a device registered as meter goes to
 * `read`.
 */
export function readMeterJson(
  input: FormatInput,
  read: (payload: Values, kind: MeterKind, input: FormatInput) => FormatOutput,
): FormatOutput {
  return readJson(input, (json) => {
    const { kind } = input.device
    if (!isMeter(kind)) return refuse(notMeter(kind))
    const { value } = json
    if (!isRecord(value)) return refuse(wrong('', 'object', describe(value)))
    const hidden = hiddenFault(json)
    return hidden ? refuse(hidden) : read(value, kind, input)
  })
}

/** A refusal of a payload of one object, by the name of its part; '' is the whole of it. */
export function wrong(name: string, expected: string, got: string): RefusedElement {
  return refusal(-1, 'schema', { path: name === '' ? [] : [name], expected, got })
}

/** The names of the numbers in a payload that has no current value. */
export function numbersIn(payload: Values): string {
  const numbers = Object.keys(payload).filter((name) => typeof payload[name] === 'number')
  return numbers.length === 0 ? 'no number' : `no current value, only ${showNames(numbers)}`
}
