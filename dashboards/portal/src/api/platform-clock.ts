/** The only reader of the browser's clock, so that a wrong one can be corrected in one place. */
export function browserNowMs(): number {
  return Date.now()
}

export interface PlatformClock {
  /** Unix ms by the clock of the platform: ages are computed from it, not from the browser's. */
  nowMs(): number
  /** From the Date header of a response, which is cut to whole seconds. */
  learn(dateHeader: string | null): void
}

const SECOND_MS = 1000

export function createPlatformClock(): PlatformClock {
  let offsetMs = 0
  return {
    nowMs: () => browserNowMs() + offsetMs,
    learn(dateHeader) {
      const cutMs = dateHeader === null ? Number.NaN : Date.parse(dateHeader)
      if (Number.isNaN(cutMs)) return
      const aheadMs = cutMs - browserNowMs()
      // The platform's time is within [cut, cut + 1 s): a clock that agrees needs no correction.
      if (aheadMs > 0 || aheadMs < -2 * SECOND_MS) offsetMs = aheadMs + SECOND_MS / 2
      else offsetMs = 0
    },
  }
}
