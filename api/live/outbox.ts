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
  /** Without an id: whoever comes back goes on behind the last event that has one. */
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

/**
 * What waits for one viewer, bounded. A batch is taken as a whole while no more than `limit` events
 * wait; a viewer that has not taken the earlier ones by then is slow: all that waits is dropped, and
 * so is what comes, until it reads again. Then it is told by one gap, and goes on with the newest.
 */
export interface Outbox {
  readonly stream: Readable
  /** The last place that was sent, waits or was dropped; only later events are taken. */
  readonly known: LivePlace | null
  /** The viewer has everything up to a place already. */
  begin(at: LivePlace): void
  /** In the order of their places. */
  offer(events: readonly LiveEvent[]): void
  /** Beside the places: sent before what waits. */
  tell(events: readonly SilenceEvent[]): void
  /** Everything up to a place was looked at, and there is nothing else for this viewer. */
  reach(at: LivePlace): void
  /** Tells that the way to a place is not shown. */
  lose(to: LivePlace, dropped: number | null): void
  /** A sign of life with the current place, when nothing else waits. */
  beat(): void
  /** Resolves when nothing waits any more, or at the end. */
  empty(): Promise<void>
  readonly hasEnded: boolean
  /** Nothing of what waits is sent any more; a viewer that does not read is cut off. */
  end(): void
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

export function createOutbox({ limit, text, dropped, opening }: OutboxOptions): Outbox {
  let queue: LiveEvent[] = []
  let silences: SilenceEvent[] = []
  let payloadBytes = 0
  let lost: { from: LivePlace | null; to: LivePlace; dropped: number | null } | null = null
  let sent: LivePlace | null = null
  let known: LivePlace | null = null
  let isReady = false
  let hasBegun = false
  let hasEnded = false
  let waiting: (() => void)[] = []
  const stream = new Readable({
    highWaterMark: STREAM_BYTES,
    read() {
      isReady = true
      hasBegun = true
      pump()
    },
  })
  stream.push(opening)
  stream.once('close', finish)

  return {
    stream,
    get known() {
      return known
    },
    get hasEnded() {
      return hasEnded
    },
    begin(at) {
      known = at
      sent = at
    },
    offer(events) {
      if (hasEnded) return
      const isSlow = queue.length > limit || payloadBytes > MAX_PAYLOAD_BYTES
      const fresh = events.filter(({ place }) => known === null || comparePlaces(place, known) > 0)
      const last = fresh.at(-1)
      if (!last) return
      if (lost || isSlow) return lose(last.place, fresh.length)
      known = last.place
      queue.push(...fresh)
      for (const event of fresh) payloadBytes += payloadOf(event)
      pump()
    },
    tell(events) {
      if (hasEnded) return
      silences.push(...events)
      const over = silences.length - MAX_SILENCES
      if (over > 0) {
        silences.splice(0, over)
        dropped(over)
      }
      pump()
    },
    reach(at) {
      if (known === null || comparePlaces(at, known) > 0) known = at
    },
    lose,
    beat() {
      if (!isReady || hasEnded || lost || queue.length > 0 || known === null) return
      sent = known
      isReady = stream.push(text.heartbeat(known))
    },
    empty: () =>
      new Promise((resolve) => {
        if (hasEnded || isEmpty()) resolve()
        else waiting.push(resolve)
      }),
    end: finish,
  }

  function lose(to: LivePlace, n: number | null): void {
    if (hasEnded) return
    const before = queue.length
    // A restarted writer may stand before what a viewer has seen: places never go back.
    const end = known !== null && comparePlaces(known, to) > 0 ? known : to
    dropped(before + (n ?? 0))
    const count = lost ? lost.dropped : before
    lost = {
      from: lost ? lost.from : sent,
      to: end,
      dropped: n === null || count === null ? null : count + n,
    }
    known = end
    queue = []
    payloadBytes = 0
    pump()
  }

  function pump(): void {
    while (isReady && !hasEnded && !isEmpty()) {
      if (silences.length > 0) {
        const told = silences.splice(0, PER_WRITE)
        isReady = stream.push(told.map((one) => text.silence(one)).join(''))
      } else if (lost) {
        const gap = lost
        lost = null
        sent = gap.to
        isReady = stream.push(text.gap(gap))
      } else {
        isReady = stream.push(next())
      }
    }
    if (isEmpty()) release()
  }

  /** The text of the next few events; it ends with a large payload. */
  function next(): string {
    const texts: string[] = []
    let bytes = 0
    for (const event of queue.slice(0, PER_WRITE)) {
      if (bytes > STREAM_BYTES) break
      bytes += payloadOf(event)
      sent = event.place
      texts.push(text.event(event))
    }
    queue.splice(0, texts.length)
    payloadBytes -= bytes
    return texts.join('')
  }

  function isEmpty(): boolean {
    return queue.length === 0 && silences.length === 0 && lost === null
  }

  function release(): void {
    const released = waiting
    waiting = []
    for (const resolve of released) resolve()
  }

  function finish(): void {
    if (hasEnded) return
    hasEnded = true
    queue = []
    silences = []
    lost = null
    // One that was never read from has just begun.
    if (isReady || !hasBegun) stream.push(null)
    else stream.destroy()
    release()
  }
}

function payloadOf(event: LiveEvent): number {
  return event.type === 'rejection' ? event.row.payload.byteLength : 0
}
