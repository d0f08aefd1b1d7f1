import type { CountLoss, LossCounts } from '#lib/kpi/network/loss.ts'
import type { MinuteKey } from '../../figure-keys.ts'
import type { ChannelSequence } from '../../sequences.ts'

/** What a run of positions adds to the loss figures, and the sequences as of its end. */
export interface LossPart {
  readonly changes: readonly LossChange[]
  readonly channels: ReadonlyMap<string, ChannelSequence>
}

export type LossChange = LossCounts & { readonly key: MinuteKey }

/** Adds up what runs change, by minute and keys. */
export function createLossSums(): {
  readonly count: CountLoss<MinuteKey>
  changes(): LossChange[]
} {
  const sums = new Map<string, LossChange>()
  return {
    count(key, { received = 0, lost = 0, restarts = 0 }) {
      const text = `${key.minute} ${key.keys.join(' ')}`
      const sum = sums.get(text) ?? { key, received: 0, lost: 0, restarts: 0 }
      sums.set(text, {
        key,
        received: sum.received + received,
        lost: sum.lost + lost,
        restarts: sum.restarts + restarts,
      })
    },
    changes: () => [...sums.values()],
  }
}
