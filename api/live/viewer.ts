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

/**
 * Starts to show events. It listens first, and keeps what comes; then it reads from the store what
 * stands between the last event the viewer had and the place where listening began; then it goes on
 * with what it kept. Places never go back, so nothing is shown twice across that seam.
 */
export function startViewer(api: Api, options: ViewerOptions): Viewer {
  const { clock, log } = api
  const { queue: limit, horizonMs } = api.options.liveLimits
  const { interest, isShown, mayWatch, outbox, live, port, lastId, signal } = options
  /** What came while the store is read; null when the viewer is live. */
  let kept: LiveEvent[] | null = []
  let keptTooMuch = false
  const subscription = live.join(interest, receive)
  outbox.stream.once('close', () => subscription.close())
  begin().catch(giveUp)

  return {
    beat() {
      if (!mayWatch()) return end()
      if (kept === null) outbox.reach(endOf(live.position))
      outbox.beat()
    },
    end,
  }

  function end(): void {
    subscription.close()
    outbox.end()
  }

  /** The viewer comes back with the last event it had. */
  function giveUp(error: unknown): void {
    const isOver = signal.aborted || outbox.hasEnded || isPlatformError(error, 'CLOSED')
    if (!isOver) {
      log.warn({ detail: messageOf(error) }, 'a live stream could not go on')
    }
    end()
  }

  function receive(batch: LiveBatch): void {
    if (!mayWatch()) return end()
    const silences = batch.silences?.filter((one) => isWatched(interest, one) && isShown(one)) ?? []
    if (silences.length > 0) outbox.tell(silences)
    const events = batch.events.filter((event) => isWatched(interest, event) && isShown(event))
    if (kept === null) {
      if (batch.dropped === 0) return outbox.offer(events)
      // Too much at once for everybody together: what is for this one is read from the store.
      kept = []
      catchUp(outbox.known ?? endOf(0), batch.position).catch(giveUp)
      return
    }
    if (kept.length > limit || batch.dropped > 0) keptTooMuch = true
    if (!keptTooMuch) kept.push(...events)
  }

  async function begin(): Promise<void> {
    const from = await subscription.from
    if (lastId === null) return goLive(from)
    const after = parseLiveId(live.journal, lastId)
    const { durable } = await port.status(signal)
    if (!after || after.position > durable) return skip(from)
    // The first gap, should there be one, begins here.
    outbox.begin(after)
    await catchUp(after, from)
  }

  /** Each round reads what came during the one before; a viewer that gains nothing gives up. */
  async function catchUp(first: LivePlace, from: number): Promise<void> {
    let after = first
    let to = from
    let span = Infinity
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (to - after.position >= span || !(await readMissed(after, to))) break
      if (!keptTooMuch) return goLive(to)
      span = to - after.position
      after = outbox.known ?? endOf(to)
      kept = []
      keptTooMuch = false
      to = live.position
    }
    skip(live.position)
  }

  /** Shows what the store has up to a position; false when it begins beyond the horizon. */
  async function readMissed(after: LivePlace, to: number): Promise<boolean> {
    const horizonNs = clock.nowNs() - BigInt(Math.round(horizonMs)) * 1_000_000n
    let isFirst = true
    for await (const page of missedEvents(port, { interest, after, to, signal })) {
      const { receivedFromNs } = page
      if (isFirst && receivedFromNs !== null && receivedFromNs < horizonNs) return false
      isFirst = false
      if (!mayWatch()) end()
      outbox.offer(page.events.filter(isShown))
      await outbox.empty()
      if (outbox.hasEnded) return true
    }
    outbox.reach(endOf(to))
    return true
  }

  function skip(to: number): void {
    outbox.lose(endOf(to), null)
    goLive(to)
  }

  function goLive(from: number): void {
    outbox.reach(endOf(from))
    const events = kept ?? []
    const lostSome = keptTooMuch
    kept = null
    if (lostSome) outbox.lose(endOf(live.position), null)
    else outbox.offer(events)
    outbox.beat()
  }
}
