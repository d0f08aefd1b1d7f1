import type { FullId } from '#lib/telemetry/ids.ts'

/** Messages per device that became durable: counted at the journal, never from the other sums. */
export interface Accepted {
  add(device: FullId): void
  get(device: FullId): number
  devices(): Iterable<FullId>
}

/** Goes on from the counts that were saved; the records behind them are added at recovery. */
export function createAccepted(saved: ReadonlyMap<FullId, number>): Accepted {
  const counts = new Map(saved)
  return {
    add: (device) => void counts.set(device, (counts.get(device) ?? 0) + 1),
    get: (device) => counts.get(device) ?? 0,
    devices: () => counts.keys(),
  }
}
