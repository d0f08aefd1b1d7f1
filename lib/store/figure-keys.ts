import type { Group, Grouping } from '#lib/telemetry/grouping.ts'
import { tenantOf } from '#lib/telemetry/ids.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { MINUTE_NS } from '#lib/telemetry/time-grid.ts'

/** What a figure is of, beside its time: the groupings of scans come from these. */
export const KEYS = ['device', 'kind', 'rat', 'cell', 'operator', 'band'] as const

/** Values of `KEYS`, in their order. */
export type Keys = readonly (string | null)[]

/** What is counted of each minute and combination of keys. */
export const COUNTS = [
  'messages',
  'readings',
  'bytes',
  'late',
  'received',
  'lost',
  'restarts',
] as const

/** Where something is counted: a minute (Unix minutes) and the keys of a figure. */
export interface MinuteKey {
  readonly minute: number
  readonly keys: Keys
}

export function minuteKeyOf({ timeNs, device, kind, radio }: Reading): MinuteKey {
  const { rat = null, cellId = null, operator = null, band = null } = radio ?? {}
  return { minute: Number(timeNs / MINUTE_NS), keys: [device, kind, rat, cellId, operator, band] }
}

/** The group that a figure belongs to. */
export function groupOfKeys(keys: Keys, by: readonly Grouping[]): Group {
  return Object.fromEntries(by.map((name) => [name, groupValue(keys, name)]))
}

function groupValue(keys: Keys, name: Grouping): string | null {
  if (name === 'tenant') return tenantOf(keys[0] ?? '')
  return keys[KEYS.indexOf(name)] ?? null
}
