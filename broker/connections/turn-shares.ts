export interface TurnLimits {
  /** What one tenant may have of a turn while few others want some. */
  readonly ofTenant: number
  /** What all tenants may have together. */
  readonly ofAll: number
  /** What each tenant has however many want some, so that nobody stands still. */
  readonly atLeast: number
}

/**
 * How much of one turn of the event loop each tenant may have. Where many tenants wanted some of the
 * last turn, each has less of the next: a turn stays short however many they are.
 */
export class TurnShares {
  readonly #limits: TurnLimits
  readonly #onNext: () => void
  readonly #taken = new Map<string, number>()
  #share: number
  #isScheduled = false

  /** `onNext` is called when a turn in which something was taken, or waited for, is over. */
  constructor(limits: TurnLimits, onNext: () => void) {
    this.#limits = limits
    this.#onNext = onNext
    this.#share = limits.ofTenant
  }

  /** What is left for a tenant in this turn; whoever finds nothing is called in the next one. */
  leftFor(tenant: string): number {
    const taken = this.#taken.get(tenant)
    if (taken === undefined) this.#taken.set(tenant, 0)
    if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => this.#next())
    }
    return this.#share - (taken ?? 0)
  }

  take(tenant: string, n: number): void {
    this.#taken.set(tenant, (this.#taken.get(tenant) ?? 0) + n)
  }

  #next(): void {
    const { ofTenant, ofAll, atLeast } = this.#limits
    this.#isScheduled = false
    const even = Math.floor(ofAll / Math.max(1, this.#taken.size))
    this.#share = Math.min(ofTenant, Math.max(atLeast, even))
    this.#taken.clear()
    this.#onNext()
  }
}
