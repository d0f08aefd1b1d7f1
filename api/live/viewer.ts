import { isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import {
  endOf,
  isWatched,
  parseLiveId,
  type LiveBatch,
  type LiveEvent,
  type LiveFeed,
  type LiveInterest,
  type LivePlace,
  type LiveSubscription,
  type SilenceEvent,
} from '#lib/telemetry/live.ts'
import type { Api } from '../api.ts'
import { missedEvents, type MissedPort } from './missed-events.ts'
import type { Outbox } from './outbox.ts'

export interface ViewerOptions {
  readonly interest: LiveInterest
  /** What the interest cannot express: tested for each event. */
  readonly isShown: (event: LiveEvent | SilenceEvent) => boolean
  /** Checked before anything is sent: the key may be revoked, the session may have ended. */
  readonly mayWatch: () => boolean
  readonly outbox: Outbox
  readonly live: LiveFeed
  /** Reads the missed events of that feed. */
  readonly port: MissedPort
  readonly lastId: string | null
  readonly signal: AbortSignal
}

/** One client of the live stream. */
export interface Viewer {
  /** A sign of life; ends the stream of a client that may not watch any more. */
  heartbeat(): void
  end(): void
}

/** How often the store is read again because more arrived meanwhile than can be kept. */
const MAX_ROUNDS = 10

/** Begins to show events to one viewer. */
export function startViewer(api: Api, options: ViewerOptions): Viewer {
  const viewer = new LiveViewer(api, options)
  viewer.start()
  return viewer
}

/**
 * It subscribes first and keeps what arrives. Then it reads from the store what lies between the last
 * event of the viewer and the place where the subscription began, and continues with what it kept.
 * Places never go back, so no event is sent twice.
 */
class LiveViewer implements Viewer {
  readonly #options: ViewerOptions
  readonly #clock: Api['clock']
  readonly #log: Api['log']
  readonly #limits: Api['options']['liveLimits']
  readonly #subscription: LiveSubscription
  /** What arrives while the store is read; null when the viewer is live. */
  #kept: LiveEvent[] | null = []
  #keptTooMuch = false

  constructor({ clock, log, options: { liveLimits } }: Api, options: ViewerOptions) {
    this.#options = options
    this.#clock = clock
    this.#log = log
    this.#limits = liveLimits
    this.#subscription = options.live.join(options.interest, (batch) => this.#receive(batch))
    options.outbox.stream.once('close', () => this.#subscription.close())
  }

  start(): void {
    this.#begin().catch((error: unknown) => this.#giveUp(error))
  }

  heartbeat(): void {
    const { mayWatch, outbox, live } = this.#options
    if (!mayWatch()) return this.end()
    if (this.#kept === null) outbox.advanceTo(endOf(live.position))
    outbox.heartbeat()
  }

  end(): void {
    const { outbox } = this.#options
    this.#subscription.close()
    outbox.end()
  }

  /** The client reconnects and sends the id of the last event it had. */
  #giveUp(error: unknown): void {
    const { outbox, signal } = this.#options
    const isOver = signal.aborted || outbox.hasEnded || isPlatformError(error, 'CLOSED')
    if (!isOver) {
      this.#log.warn({ detail: messageOf(error) }, 'a live stream was ended')
    }
    this.end()
  }

  #receive(batch: LiveBatch): void {
    const { interest, isShown, mayWatch, outbox } = this.#options
    if (!mayWatch()) return this.end()
    const silences = batch.silences?.filter((one) => isWatched(interest, one) && isShown(one)) ?? []
    if (silences.length > 0) outbox.offerSilences(silences)
    const events = batch.events.filter((event) => isWatched(interest, event) && isShown(event))
    if (this.#kept === null) {
      if (batch.dropped === 0) return outbox.offer(events)
      // The batch was too large for all viewers together: this one reads its part from the store.
      this.#kept = []
      this.#catchUp(outbox.latest ?? endOf(0), batch.position).catch((error: unknown) =>
        this.#giveUp(error),
      )
      return
    }
    if (this.#kept.length > this.#limits.queue || batch.dropped > 0) this.#keptTooMuch = true
    if (!this.#keptTooMuch) this.#kept.push(...events)
  }

  async #begin(): Promise<void> {
    const { outbox, live, port, lastId, signal } = this.#options
    const from = await this.#subscription.from
    if (lastId === null) return this.#goLive(from)
    const after = parseLiveId(live.journal, lastId)
    const { durable } = await port.status(signal)
    if (!after || after.position > durable) return this.#skip(from)
    // The first gap begins here, if there is one.
    outbox.startAfter(after)
    await this.#catchUp(after, from)
  }

  /** Each round reads what arrived during the one before, until a round does not shorten the rest. */
  async #catchUp(first: LivePlace, from: number): Promise<void> {
    const { outbox, live } = this.#options
    let after = first
    let to = from
    let span = Infinity
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (to - after.position >= span || !(await this.#readMissed(after, to))) break
      if (!this.#keptTooMuch) return this.#goLive(to)
      span = to - after.position
      after = outbox.latest ?? endOf(to)
      this.#kept = []
      this.#keptTooMuch = false
      to = live.position
    }
    this.#skip(live.position)
  }

  /** Sends what the store has up to a position; false when that begins before the horizon. */
  async #readMissed(after: LivePlace, to: number): Promise<boolean> {
    const { interest, isShown, mayWatch, outbox, port, signal } = this.#options
    const horizonNs = this.#clock.nowNs() - BigInt(Math.round(this.#limits.horizonMs)) * 1_000_000n
    let isFirst = true
    for await (const page of missedEvents(port, { interest, after, to, signal })) {
      const { receivedFromNs } = page
      if (isFirst && receivedFromNs !== null && receivedFromNs < horizonNs) return false
      isFirst = false
      if (!mayWatch()) this.end()
      outbox.offer(page.events.filter(isShown))
      await outbox.drained()
      if (outbox.hasEnded) return true
    }
    outbox.advanceTo(endOf(to))
    return true
  }

  #skip(to: number): void {
    const { outbox } = this.#options
    outbox.skipTo(endOf(to), null)
    this.#goLive(to)
  }

  #goLive(from: number): void {
    const { outbox, live } = this.#options
    outbox.advanceTo(endOf(from))
    const events = this.#kept ?? []
    const lostSome = this.#keptTooMuch
    this.#kept = null
    if (lostSome) outbox.skipTo(endOf(live.position), null)
    else outbox.offer(events)
    outbox.heartbeat()
  }
}
