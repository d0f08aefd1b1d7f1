import type { Delivery } from '../api/rows.ts'
import { createCell, type Cell } from './cell.ts'

export interface RateNow {
  readonly perS: number
  /** Messages and seconds it was counted over. */
  readonly messages: number
  readonly seconds: number
}

export interface MessageRate {
  /** Null until two counts are known. */
  readonly cell: Cell<RateNow | null>
  add(rows: readonly Pick<Delivery, 'accepted'>[], atMs: number): void
  clear(): void
}

interface Sample {
  readonly atMs: number
  readonly accepted: number
}

/** Long enough for devices that send every few seconds, short enough to be "now". */
const WINDOW_MS = 15_000

/** The rate now, from how the number of accepted messages grows. */
export function createMessageRate(): MessageRate {
  const cell = createCell<RateNow | null>(null)
  let samples: readonly Sample[] = []
  return {
    cell,
    add(rows, atMs) {
      const accepted = rows.reduce((sum, row) => sum + row.accepted, 0)
      // The sum falls when the platform starts with an empty store or a device is deleted.
      const kept = samples.filter((sample) => sample.accepted <= accepted)
      const recent = kept.findLastIndex((sample) => atMs - sample.atMs >= WINDOW_MS)
      const last = { atMs, accepted }
      samples = [...kept.slice(Math.max(0, recent)), last]
      cell.set(rateBetween(samples[0] ?? last, last))
    },
    clear() {
      samples = []
      cell.set(null)
    },
  }
}

function rateBetween(first: Sample, last: Sample): RateNow | null {
  if (first.atMs === last.atMs) return null
  const messages = last.accepted - first.accepted
  const seconds = (last.atMs - first.atMs) / 1000
  return { perS: messages / seconds, messages, seconds }
}
