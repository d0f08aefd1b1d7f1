import type { Delivery } from './answers.ts'

export interface MessageRate {
  readonly perS: number
  /** Messages and seconds it was counted over. */
  readonly messages: number
  readonly seconds: number
}

interface Sample {
  readonly atMs: number
  readonly accepted: number
}

/** Long enough for devices that send every few seconds, short enough to be "now". */
const WINDOW_MS = 15_000

/** The rate now, from how the number of accepted messages grows; null until it can be told. */
export function createMessageRate() {
  let samples: readonly Sample[] = []
  return {
    add(rows: readonly Delivery[], atMs: number): MessageRate | null {
      const accepted = rows.reduce((sum, row) => sum + row.accepted, 0)
      // A platform that begins anew, or a device that is deleted, makes the sum smaller.
      const kept = samples.filter((sample) => sample.accepted <= accepted)
      const recent = kept.findLastIndex((sample) => atMs - sample.atMs >= WINDOW_MS)
      samples = [...kept.slice(Math.max(0, recent)), { atMs, accepted }]
      const [first] = samples
      if (!first || first.atMs === atMs) return null
      const messages = accepted - first.accepted
      const seconds = (atMs - first.atMs) / 1000
      return { perS: messages / seconds, messages, seconds }
    },
    clear: () => void (samples = []),
  }
}
