import { countTraffic, countUnknownFields } from '../conformance/traffic.ts'
import type { DeviceState } from '../state/intake-state.ts'
import type { JudgedMessage, Outcome } from './outcome.ts'
import type { ParsedMessage } from './parse.ts'

/** Counts a message in exactly one of stored, rejected and duplicate. */
export function countMessage(
  device: DeviceState,
  { message, format, output }: ParsedMessage,
  { readings, refused, duplicates, late }: JudgedMessage,
  outcome: Outcome,
): void {
  const { counts } = device
  counts.read += 1
  countTraffic(device.traffic, message, format, readings)
  countUnknownFields(device.traffic, output.elements)
  const whole = readings.length === 0
  if (refused.length > 0) outcome.rejected.push({ message, format, refused, whole })
  if (!whole || (refused.length === 0 && duplicates === 0)) {
    counts.stored += 1
    outcome.counts.stored += 1
    if (late) counts.late += 1
    if (refused.length > 0) counts.partial += 1
  } else if (refused.length > 0) {
    counts.rejected += 1
    outcome.counts.rejected += 1
  } else {
    counts.duplicate += 1
    outcome.counts.duplicate += 1
  }
}
