import type { Point } from '#lib/store/influx/write/line.ts'
import { SERIES } from './catalogue.ts'
import type { Context, DerivedSeries } from './series.ts'

/** Takes what is true only now, each series at the turns of its own interval. */
export interface Sampler {
  /** What is due now. Nothing is kept for later: what could not be written then is not known. */
  due(nowNs: bigint): readonly Sample[]
  /** Series that show the registry are due at once. */
  registryChanged(): void
}

export interface Sample {
  points(nowNs: bigint, context: Context): Promise<readonly Point[]>
  /** Its points are written: it is due again at the next turn. */
  done(): void
}

export function createSampler(series: readonly DerivedSeries[] = SERIES): Sampler {
  const states = series.flatMap(({ sample }) => {
    if (!sample) return []
    const everyNs = BigInt(sample.everyMs) * 1_000_000n
    return { sample, everyNs, points: sample.create(), turn: -1n }
  })

  return {
    due(nowNs) {
      return states
        .filter(({ turn, everyNs }) => nowNs / everyNs > turn)
        .map((state) => ({
          points: state.points,
          done: () => void (state.turn = nowNs / state.everyNs),
        }))
    },
    registryChanged() {
      for (const state of states) if (state.sample.onRegistryChange) state.turn = -1n
    },
  }
}
