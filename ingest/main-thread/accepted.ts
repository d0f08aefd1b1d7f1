import type { FullId } from '#lib/telemetry/ids.ts'

/** Messages per device that became durable: counted at the journal, never from the other sums. */
export class Accepted {
  readonly #counts: Map<FullId, number>

  /** Continues from the counts that were saved; recovery adds the records that follow them. */
  constructor(saved: ReadonlyMap<FullId, number>) {
    this.#counts = new Map(saved)
  }

  add(device: FullId): void {
    this.#counts.set(device, (this.#counts.get(device) ?? 0) + 1)
  }

  counts(): ReadonlyMap<FullId, number> {
    return this.#counts
  }
}
