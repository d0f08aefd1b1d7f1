import type { Device } from '#lib/registry/registry.ts'
import { parseDeviceTime } from '#lib/telemetry/time.ts'
import type { FormatInput, FormatOutput, RefusedElement } from '../format.ts'
import { native } from '../native.ts'
import { hiddenFault } from '../payload/hidden-fault.ts'
import { parseJson } from '../payload/json-text.ts'
import { refusal } from '../payload/native-element.ts'
import { EVENT, refuse } from '../payload/output.ts'
import { isNativeReading } from '../payload/native-reading.ts'
import type { Problem } from '../payload/source-fields.ts'

/**
 * How every JSON convention of trucks begins: what is JSON, and not a native payload on a native
 * channel, of a device registered as truck, goes to `read`.
 */
export function readTruckJson(
  input: FormatInput,
  read: (value: unknown, input: FormatInput) => FormatOutput,
): FormatOutput {
  const { device, message, channel } = input
  if (channel === 'status') return EVENT
  const { value, text, problem } = parseJson(message.payload)
  if (problem) return refuse(problem)
  if (isNativeReading(channel, value)) return native.parse(input)
  if (device.kind !== 'truck') return refuse(notTruck(device.kind))
  const hidden = hiddenFault(message.payload, text, value)
  return hidden ? refuse(hidden) : read(value, input)
}

export function notTruck(kind: Device['kind']): RefusedElement {
  const expected =
    kind === 'gateway'
      ? 'a registered truck: give each vehicle of the gateway a device with its topic'
      : 'a device registered as truck'
  return refusal(-1, 'kind', { path: [], expected, got: `a device of kind ${kind}` })
}

/** A time that the convention requires; one left out is the receive time with `lenient`. */
export function requiredTime(
  value: unknown,
  path: readonly PropertyKey[],
  { settings }: Device,
): { readonly timeNs: bigint | null } | Problem {
  if ((value === undefined || value === null) && settings['lenient'] === true) {
    return { timeNs: null }
  }
  const timeNs = parseDeviceTime(value)
  return typeof timeNs === 'bigint' ? { timeNs } : { path, ...timeNs, got: gotOf(value, timeNs) }
}

function gotOf(value: unknown, { got }: { readonly got: string }): string {
  return value === undefined ? 'nothing' : got
}
