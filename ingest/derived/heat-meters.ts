import { createHash } from 'node:crypto'
import type { Device } from '#lib/registry/registry.ts'

/** A digest of what the registry says of meters: heat is computed again when it changes. */
export function meterDigest(devices: readonly Device[]): string {
  const hash = createHash('sha256')
  const meters = devices.filter(({ kind }) => kind === 'heat_meter' || kind === 'energy_meter')
  for (const { id, kind, settings, past } of meters.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const entries = Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1))
    hash.update(`${JSON.stringify([id, kind, entries, ...(past ? [past] : [])])}\n`)
  }
  return hash.digest('hex')
}
