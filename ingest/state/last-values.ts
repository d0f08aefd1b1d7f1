import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { KindDefinition } from '#lib/telemetry/field.ts'
import { FLAGS, flagNames } from '#lib/telemetry/flags.ts'
import type { LastValue, Reading } from '#lib/telemetry/reading.ts'
import type { DeviceState } from './intake-state.ts'

/** The latest reading of each kind by device time, with the fields that only earlier ones had. */
export function keepLast(device: DeviceState, reading: Reading): void {
  if ((reading.flags & FLAGS.clock_invalid) !== 0) return
  const { kind, timeNs } = reading
  const known = device.last.get(kind)
  if (known && known.timeNs > timeNs) return
  const { channel, receivedAtNs, seq, flags, fields, radio } = reading
  device.last.set(kind, {
    device: reading.device,
    kind,
    channel,
    timeNs,
    receivedAtNs,
    seq,
    flags: flagNames(flags),
    fields: known ? merged(carriedOn(known), fields) : fields,
    radio,
  })
}

/** A value beyond its range is not carried on to a newer reading, which does not bear its flag. */
function carriedOn({ kind, flags, fields }: LastValue): LastValue['fields'] {
  if (!flags.includes('out_of_range')) return fields
  const known: KindDefinition['fields'] = KINDS[kind].fields
  const kept = Object.entries(fields).filter(([name, value]) => {
    const { min = -Infinity, max = Infinity } = known[name] ?? {}
    return typeof value !== 'number' || (value >= min && value <= max)
  })
  return Object.fromEntries(kept)
}

/** The latest of each field; no copy when the newer reading has them all. */
function merged(older: LastValue['fields'], newer: LastValue['fields']): LastValue['fields'] {
  for (const name of Object.keys(older)) {
    if (!(name in newer)) return { ...older, ...newer }
  }
  return newer
}
