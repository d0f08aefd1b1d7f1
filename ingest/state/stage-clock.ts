import { bucketOf } from '#lib/kpi/buckets.ts'
import type { Stage } from '#lib/telemetry/stage.ts'
import { MINUTE_NS } from '#lib/telemetry/time-grid.ts'

/** Messages of one minute that took about as long as the bucket says through one stage. */
export interface StageCount {
  readonly minute: number
  readonly stage: string
  readonly bucket: number
  readonly n: number
}

interface Histogram {
  readonly minute: number
  readonly stage: string
  /** Count per bucket. */
  readonly counts: Map<number, number>
}

/**
 * How long messages take through the platform itself: received to durable, received to stored. One
 * sparse histogram per minute and stage over all devices (a histogram per device would cost more
 * than it is worth).
 */
export class StageClock {
  readonly #onMinute: (minute: number) => void
  #histograms: Histogram[] = []

  /** `onMinute` hears of every minute that is counted in. */
  constructor(onMinute: (minute: number) => void = () => undefined) {
    this.#onMinute = onMinute
  }

  /** Where the latencies (ms) of one stage that end at this moment are counted, one call each. */
  at(stage: Stage, atNs: bigint): (latencyMs: number) => void {
    const { counts } = this.#histogramOf(Number(atNs / MINUTE_NS), stage)
    return (latencyMs) => addTo(counts, bucketOf(latencyMs), 1)
  }

  /** Adds what another thread has counted. */
  addCount({ minute, stage, bucket, n }: StageCount): void {
    addTo(this.#histogramOf(minute, stage).counts, bucket, n)
  }

  /** Counts since the last `take`, left where they are. */
  peek(): readonly StageCount[] {
    return this.#histograms.flatMap(({ minute, stage, counts }) =>
      [...counts].map(([bucket, n]) => ({ minute, stage, bucket, n })),
    )
  }

  /** Counts since the last call, to be saved. */
  take(): readonly StageCount[] {
    const taken = this.peek()
    this.#histograms = []
    return taken
  }

  /** Few are open at once: those of the last minutes. */
  #histogramOf(minute: number, stage: string): Histogram {
    this.#onMinute(minute)
    const known = this.#histograms.find((one) => one.minute === minute && one.stage === stage)
    if (known) return known
    const created = { minute, stage, counts: new Map<number, number>() }
    this.#histograms.push(created)
    return created
  }
}

function addTo(counts: Map<number, number>, bucket: number, n: number): void {
  counts.set(bucket, (counts.get(bucket) ?? 0) + n)
}
