import type { Latency } from '../../api/rows.ts'

export interface ClockOffset {
  readonly device: string
  /** Device clock minus platform clock, ms. */
  readonly offsetMs: number
  /** Null where only the device's own time is known. */
  readonly boundMs: number | null
}

/** A smaller offset does not mislead people who look at readings. */
const WRONG_FROM_MS = 1000

/**
 * Wrong clocks, largest error first. The corrected delay minus the uncorrected one is the offset
 * that was corrected. Without a correction only a reading from the future is proof: its clock is
 * ahead by at least that much.
 */
export function wrongClocks(rows: readonly Latency[]): ClockOffset[] {
  const uplinks = new Map(
    rows.filter(({ stage }) => stage === 'uplink').map((row) => [row.group['device'], row]),
  )
  const offsets = rows.flatMap(({ stage, group, p50Ms }): ClockOffset[] => {
    const device = group['device']
    if (stage !== 'age' || !device || p50Ms === null) return []
    const { p50Ms: uplinkMs = null, clockBoundMs: boundMs = null } = uplinks.get(device) ?? {}
    if (uplinkMs !== null && boundMs !== null) {
      return [{ device, offsetMs: uplinkMs - p50Ms, boundMs }]
    }
    return [{ device, offsetMs: Math.max(0, -p50Ms), boundMs: null }]
  })
  return offsets
    .filter(({ offsetMs, boundMs }) => Math.abs(offsetMs) > Math.max(WRONG_FROM_MS, boundMs ?? 0))
    .toSorted((a, b) => Math.abs(b.offsetMs) - Math.abs(a.offsetMs))
}
