import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { RetentionClass } from '#lib/telemetry/field.ts'
import { DAY_NS } from '#lib/telemetry/time-grid.ts'

/** Names the partition of a reading: receive day (UTC) of fleets, receive month of meters. */
export type PartNamer = (kind: Kind, receivedAtNs: bigint) => string

export function createPartNamer(): PartNamer {
  // Nearly every reading is of the day of the one before it.
  let day = -1n
  let text = ''
  return (kind, receivedAtNs) => {
    if (receivedAtNs / DAY_NS !== day) {
      day = receivedAtNs / DAY_NS
      text = new Date(Number(day) * 86_400_000).toISOString().slice(0, 10)
    }
    return KINDS[kind].retention === 'fleet' ? `fleet-${text}` : `metering-${text.slice(0, 7)}`
  }
}

/** The class that a file name means; null for files that are no partition. */
export function retentionOfPart(name: string): RetentionClass | null {
  if (/^fleet-\d{4}-\d{2}-\d{2}$/.test(name)) return 'fleet'
  return /^metering-\d{4}-\d{2}$/.test(name) ? 'metering' : null
}

/** End of the receive time a partition is for, Unix ns. */
export function periodEndNs(name: string): bigint {
  const [, year = '', month = '', day] = name.split('-')
  const start = Date.UTC(Number(year), Number(month) - 1, Number(day ?? 1))
  const end = day
    ? start + 86_400_000
    : new Date(start).setUTCMonth(new Date(start).getUTCMonth() + 1)
  return BigInt(end) * 1_000_000n
}
