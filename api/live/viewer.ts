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
  /** What the interest cannot say: looked at for each event. */
  readonly isShown: (event: LiveEvent | SilenceEvent) => boolean
  /** Checked before anything is shown: the key may be revoked, the session over. */
  readonly mayWatch: () => boolean
  readonly outbox: Outbox
  readonly live: LiveFeed
  /** Reads the missed events of that feed. */
  readonly port: MissedPort
  readonly lastId: string | null
  readonly signal: AbortSignal
}

/** Somebody who watches. */
export interface Viewer {
  /** A sign of life; ends the stream of somebody who may not watch any more. */
  beat(): void
  end(): void
}

/** How often the store is read again because more came meanwhile than can be kept. */
const MAX_ROUNDS = 10

/** Begins to show events to one viewer. */
export function startViewer(api: Api, options: ViewerOptions): Viewer {
  const viewer = new LiveViewer(api, options)
  viewer.start()
  return viewer
}

/**
 * It listens first and keeps what arrives; then it reads from the store what lies between the last
 * event of the viewer and the place where listening began; then it continues with what it kept. Places never go back, so nothing is shown twice across that seam.
 */
class LiveViewer implements Viewer {
  readonly #options: ViewerOptions
  readonly #clock: Api['clock']
  readonly #log: Api['log']
  readonly #limits: Api['options']['liveLimits']
  readonly #subscription: LiveSubscription
  /** What came while the store is read; null when the viewer is live. */
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

  beat(): void {
    const { mayWatch, outbox, live } = this.#options
    if (!mayWatch()) return this.end()
    if (this.#kept === null) outbox.reach(endOf(live.position))
    outbox.beat()
  }

  end(): void {
    const { outbox } = this.#options
    this.#subscription.close()
    outbox.end()
  }

  /** The viewer comes back with the last event it had. */
  #giveUp(error: unknown): void {
    const { outbox, signal } = this.#options
    const isOver = signal.aborted || outbox.hasEnded || isPlatformError(error, 'CLOSED')
    if (!isOver) {
      this.#log.warn({ detail: messageOf(error) }, 'a live stream could not go on')
    }
    this.end()
  }

  #receive(batch: LiveBatch): void {
    const { interest, isShown, mayWatch, outbox } = this.#options
    if (!mayWatch()) return this.end()
    const silences = batch.silences?.filter((one) => isWatched(interest, one) && isShown(one)) ?? []
    if (silences.length > 0) outbox.tell(silences)
    const events = batch.events.filter((event) => isWatched(interest, event) && isShown(event))
    if (this.#kept === null) {
      if (batch.dropped === 0) return outbox.offer(events)
      // Too much at once for everybody together: what is for this one is read from the store.
      this.#kept = []
      this.#catchUp(outbox.known ?? endOf(0), batch.position).catch((error: unknown) =>
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
    // The first gap, should there be one, begins here.
    outbox.begin(after)
    await this.#catchUp(after, from)
  }

  /** Each round reads what came during the one before; a viewer that gains nothing gives up. */
  async #catchUp(first: LivePlace, from: number): Promise<void> {
    const { outbox, live } = this.#options
    let after = first
    let to = from
    let span = Infinity
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (to - after.position >= span || !(await this.#readMissed(after, to))) break
      if (!this.#keptTooMuch) return this.#goLive(to)
      span = to - after.position
      after = outbox.known ?? endOf(to)
      this.#kept = []
      this.#keptTooMuch = false
      to = live.position
    }
    this.#skip(live.position)
  }

  /** Shows what the store has up to a position; false when it begins beyond the horizon. */
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
      await outbox.empty()
      if (outbox.hasEnded) return true
    }
    outbox.reach(endOf(to))
    return true
  }

  #skip(to: number): void {
    const { outbox } = this.#options
    outbox.lose(endOf(to), null)
    this.#goLive(to)
  }

  #goLive(from: number): void {
    const { outbox, live } = this.#options
    outbox.reach(endOf(from))
    const events = this.#kept ?? []
    const lostSome = this.#keptTooMuch
    this.#kept = null
    if (lostSome) outbox.lose(endOf(live.position), null)
    else outbox.offer(events)
    outbox.beat()
  }
}
