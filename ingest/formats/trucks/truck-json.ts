import type { Device } from '#lib/registry/registry.ts'
import { parseDeviceTime } from '#lib/telemetry/time.ts'
import type { FormatInput, FormatOutput, RefusedElement } from '../format.ts'
import { hiddenFault } from '../payload/fault-refusal.ts'
import type { Problem } from '../payload/problem.ts'
import { readJson } from '../payload/read-json.ts'
import { EVENT, refusal, refuse } from '../payload/refusal.ts'

/**
 * How every JSON convention of trucks begins: JSON of a device registered as truck goes to `read`.
 */
export function readTruckJson(
  input: FormatInput,
  read: (value: unknown, input: FormatInput) => FormatOutput,
): FormatOutput {
  if (input.channel === 'status') return EVENT
  return readJson(input, (json) => {
    const { kind } = input.device
    if (kind !== 'truck') return refuse(notTruck(kind))
    const hidden = hiddenFault(json)
    return hidden ? refuse(hidden) : read(json.value, input)
  })
}

export function notTruck(kind: Device['kind']): RefusedElement {
  const expected =
    kind === 'gateway'
      ? 'a registered truck: give each vehicle of the gateway a device with its topic'
      : 'a device registered as truck'
  return refusal(-1, 'kind', { path: [], expected, got: `a device of kind ${kind}` })
}

/** A time that the convention requires; with `lenient`, the receive time where it is left out. */
export function requiredTime(
  value: unknown,
  path: readonly PropertyKey[],
  { settings }: Device,
): { readonly timeNs: bigint | null } | Problem {
  if ((value === undefined || value === null) && settings['lenient'] === true) {
    return { timeNs: null }
  }
  const timeNs = parseDeviceTime(value)
  if (typeof timeNs === 'bigint') return { timeNs }
  return { path, ...timeNs, got: value === undefined ? 'nothing' : timeNs.got }
}
