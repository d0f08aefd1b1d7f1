/** Tells the peer that we live, and us when the peer no longer does. */
export interface KeepAlive {
  received(): void
  sent(): void
  stop(): void
}

export interface KeepAliveOptions {
  readonly keepAliveMs: number
  readonly monoNs: () => bigint
  /** While nothing is read, nothing can be heard: silence says nothing about the peer. */
  readonly isReading: () => boolean
  readonly ping: () => void
  readonly dead: () => void
}

/** Ticks within one keep-alive. */
const TICKS = 4

export function createKeepAlive(options: KeepAliveOptions): KeepAlive {
  const { keepAliveMs, monoNs, isReading, ping, dead } = options
  const tickMs = keepAliveMs / TICKS
  const keepAliveNs = BigInt(Math.round(keepAliveMs * 1e6))
  let receivedNs = monoNs()
  let sentNs = receivedNs
  let tickedNs = receivedNs
  const timer = setInterval(tick, tickMs)

  return {
    received: () => void (receivedNs = monoNs()),
    sent: () => void (sentNs = monoNs()),
    stop: () => clearInterval(timer),
  }

  function tick(): void {
    const nowNs = monoNs()
    // A process that stood still has not looked into its sockets meanwhile.
    const stoodStill = nowNs - tickedNs > keepAliveNs / 2n
    tickedNs = nowNs
    if (stoodStill || !isReading()) receivedNs = nowNs
    if (nowNs - receivedNs >= keepAliveNs) return dead()
    const halfNs = keepAliveNs / 2n
    if (nowNs - sentNs < halfNs && nowNs - receivedNs < halfNs) return
    sentNs = nowNs
    ping()
  }
}
