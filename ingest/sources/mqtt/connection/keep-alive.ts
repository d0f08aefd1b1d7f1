export interface KeepAliveOptions {
  readonly keepAliveMs: number
  readonly monoNs: () => bigint
  /** While nothing is read, nothing can arrive: silence says nothing about the peer. */
  readonly isReading: () => boolean
  readonly ping: () => void
  readonly onSilent: () => void
}

/** Ticks within one keep-alive. */
const TICKS = 4

/** Keeps the connection alive for the peer, and notices when the peer is gone. */
export class KeepAlive {
  readonly #options: KeepAliveOptions
  readonly #keepAliveNs: bigint
  readonly #timer: NodeJS.Timeout
  #receivedNs: bigint
  #sentNs: bigint
  #tickedNs: bigint

  constructor(options: KeepAliveOptions) {
    this.#options = options
    this.#keepAliveNs = BigInt(Math.round(options.keepAliveMs * 1e6))
    const nowNs = options.monoNs()
    this.#receivedNs = nowNs
    this.#sentNs = nowNs
    this.#tickedNs = nowNs
    this.#timer = setInterval(() => this.#tick(), options.keepAliveMs / TICKS)
  }

  received(): void {
    this.#receivedNs = this.#options.monoNs()
  }

  sent(): void {
    this.#sentNs = this.#options.monoNs()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const { monoNs, isReading, ping, onSilent } = this.#options
    const nowNs = monoNs()
    const halfNs = this.#keepAliveNs / 2n
    // A process that stood still has not read its sockets meanwhile.
    const stoodStill = nowNs - this.#tickedNs > halfNs
    this.#tickedNs = nowNs
    if (stoodStill || !isReading()) this.#receivedNs = nowNs
    if (nowNs - this.#receivedNs >= this.#keepAliveNs) return onSilent()
    if (nowNs - this.#sentNs < halfNs && nowNs - this.#receivedNs < halfNs) return
    this.#sentNs = nowNs
    ping()
  }
}
