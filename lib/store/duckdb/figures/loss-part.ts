import type { ChannelRun, Count, LossDelta, Place } from '../../loss-runs.ts'

/** What a run of positions adds to the loss figures, and the channels it leaves behind. */
export interface LossPart {
  readonly deltas: readonly PlacedDelta[]
  readonly channels: ReadonlyMap<string, ChannelRun>
}

export type PlacedDelta = LossDelta & { readonly place: Place }

/** Adds up what runs change, by place. */
export function createLossSums(): { readonly count: Count; deltas(): PlacedDelta[] } {
  const sums = new Map<string, PlacedDelta>()
  return {
    count(place, { received = 0, lost = 0, restarts = 0 }) {
      const key = `${place.minute} ${place.keys.join(' ')}`
      const sum = sums.get(key) ?? { place, received: 0, lost: 0, restarts: 0 }
      sums.set(key, {
        place,
        received: sum.received + received,
        lost: sum.lost + lost,
        restarts: sum.restarts + restarts,
      })
    },
    deltas: () => [...sums.values()],
  }
}
