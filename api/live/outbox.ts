import { Readable } from 'node:stream'
import {
  comparePlaces,
  type LiveEvent,
  type LivePlace,
  type SilenceEvent,
} from '#lib/telemetry/live.ts'

/** How events are written for one viewer. */
export interface LiveText {
  event(event: LiveEvent): string
  /** Without an id: a viewer that comes back continues after the last event that has one. */
  silence(event: SilenceEvent): string
  /** `dropped` is null where nobody could count. */
  gap(gap: Gap): string
  heartbeat(at: LivePlace): string
}

export interface Gap {
  /** The last event before it; null when that is not known. */
  readonly from: LivePlace | null
  readonly to: LivePlace
  readonly dropped: number | null
}

export interface OutboxOptions {
  readonly limit: number
  readonly text: LiveText
  /** Told how many events were dropped. */
  readonly dropped: (n: number) => void
  /** First bytes of the stream. */
  readonly opening: string
}

/** Silences that wait for a slow viewer; the oldest are dropped. */
const MAX_SILENCES = 1000
/** Events per write at most: few system calls, and no long texts. */
const PER_WRITE = 64
const STREAM_BYTES = 64 * 1024
/** Rejections carry their payload: a few of them are worth many readings. */
const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024

/**
 * What waits for one viewer, bounded. A batch is taken as a whole while no more than `limit` events
 * wait. A viewer that has not read the earlier ones by then is slow: all that waits is dropped, and
 * so is what follows, until it reads again. Then it is sent one gap, and continues with the newest.
 */
export class Outbox {
  readonly stream: Readable
  readonly #options: OutboxOptions
  #events: LiveEvent[] = []
  #payloadBytes = 0
  #silences: SilenceEvent[] = []
  /** Waits while the viewer is slow; there are no events then. */
  #gap: Gap | null = null
  #sent: LivePlace | null = null
  #latest: LivePlace | null = null
  #isReady = false
  #wasRead = false
  #hasEnded = false
  #onDrained: (() => void)[] = []

  constructor(options: OutboxOptions) {
    this.#options = options
    this.stream = new Readable({ highWaterMark: STREAM_BYTES, read: () => this.#read() })
    this.stream.push(options.opening)
    this.stream.once('close', () => this.end())
  }

  /** The last place that was sent, waits or was dropped; only later events are taken. */
  get latest(): LivePlace | null {
    return this.#latest
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** The viewer has everything up to a place already. */
  startAfter(place: LivePlace): void {
    this.#latest = place
    this.#sent = place
  }

  /** Events in the order of their places. */
  offer(events: readonly LiveEvent[]): void {
    if (this.#hasEnded) return
    const isSlow =
      this.#events.length > this.#options.limit || this.#payloadBytes > MAX_PAYLOAD_BYTES
    const fresh = events.filter(({ place }) => this.#isLater(place))
    const last = fresh.at(-1)
    if (!last) return
    if (this.#gap || isSlow) return this.skipTo(last.place, fresh.length)
    this.#latest = last.place
    this.#events.push(...fresh)
    for (const event of fresh) this.#payloadBytes += payloadOf(event)
    this.#pump()
  }

  /** Silences have no place: they are sent before the events that wait. */
  offerSilences(silences: readonly SilenceEvent[]): void {
    if (this.#hasEnded) return
    this.#silences.push(...silences)
    const tooMany = this.#silences.length - MAX_SILENCES
    if (tooMany > 0) {
      this.#silences.splice(0, tooMany)
      this.#options.dropped(tooMany)
    }
    this.#pump()
  }

  /** There is nothing else for this viewer up to a place. */
  advanceTo(place: LivePlace): void {
    if (this.#isLater(place)) this.#latest = place
  }

  /** Drops what waits, and sends a gap up to a place. `dropped` is null where nobody could count. */
  skipTo(place: LivePlace, dropped: number | null): void {
    if (this.#hasEnded) return
    const waiting = this.#events.length
    this.#options.dropped(waiting + (dropped ?? 0))
    const before = this.#gap ? this.#gap.dropped : waiting
    // The position of a restarted writer may be before what a viewer has seen: places never go back.
    this.advanceTo(place)
    this.#gap = {
      from: this.#gap ? this.#gap.from : this.#sent,
      to: this.#latest ?? place,
      dropped: dropped === null || before === null ? null : before + dropped,
    }
    this.#events = []
    this.#payloadBytes = 0
    this.#pump()
  }

  /** A sign of life with the current place, when nothing else waits. */
  heartbeat(): void {
    const isBusy = this.#hasEnded || this.#gap !== null || this.#events.length > 0
    if (!this.#isReady || isBusy || this.#latest === null) return
    this.#sent = this.#latest
    this.#push(this.#options.text.heartbeat(this.#latest))
  }

  /** Resolves when nothing waits any more, or at the end. */
  drained(): Promise<void> {
    if (this.#hasEnded || this.#isEmpty()) return Promise.resolve()
    return new Promise((resolve) => this.#onDrained.push(resolve))
  }

  /** Nothing of what waits is sent any more; a viewer that does not read is cut off. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#events = []
    this.#silences = []
    this.#gap = null
    // A stream that was never read from has just begun.
    if (this.#isReady || !this.#wasRead) this.stream.push(null)
    else this.stream.destroy()
    this.#release()
  }

  #isLater(place: LivePlace): boolean {
    return this.#latest === null || comparePlaces(place, this.#latest) > 0
  }

  #isEmpty(): boolean {
    return this.#events.length === 0 && this.#silences.length === 0 && this.#gap === null
  }

  #read(): void {
    this.#isReady = true
    this.#wasRead = true
    this.#pump()
  }

  #pump(): void {
    while (this.#isReady && !this.#hasEnded && !this.#isEmpty()) this.#push(this.#nextText())
    if (this.#isEmpty()) this.#release()
  }

  #push(text: string): void {
    this.#isReady = this.stream.push(text)
  }

  #nextText(): string {
    const { text } = this.#options
    if (this.#silences.length > 0) {
      return this.#silences
        .splice(0, PER_WRITE)
        .map((silence) => text.silence(silence))
        .join('')
    }
    const gap = this.#gap
    if (!gap) return this.#nextEvents()
    this.#gap = null
    this.#sent = gap.to
    return text.gap(gap)
  }

  /** The text of the next few events; it ends with a large payload. */
  #nextEvents(): string {
    const texts: string[] = []
    let bytes = 0
    for (const event of this.#events.slice(0, PER_WRITE)) {
      if (bytes > STREAM_BYTES) break
      bytes += payloadOf(event)
      this.#sent = event.place
      texts.push(this.#options.text.event(event))
    }
    this.#events.splice(0, texts.length)
    this.#payloadBytes -= bytes
    return texts.join('')
  }

  #release(): void {
    const waiting = this.#onDrained
    this.#onDrained = []
    for (const resolve of waiting) resolve()
  }
}

function payloadOf(event: LiveEvent): number {
  return event.type === 'rejection' ? event.row.payload.byteLength : 0
}
