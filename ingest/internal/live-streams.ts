import type { ServerResponse } from 'node:http'
import { PlatformError } from '#lib/runtime/errors.ts'
import { BEAT_MS } from '#lib/runtime/network/internal-http.ts'
import { randomId } from '#lib/runtime/random.ts'
import { encodeJson } from '#lib/runtime/bigint-json.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { LiveBatch, LiveFeed, LiveInterest, LiveSubscription } from '#lib/telemetry/live.ts'

/** Live feeds of other processes, one stream of lines each. */
export interface LiveStreams {
  /** Resolves when the stream has ended. */
  open(response: ServerResponse): Promise<void>
  /** Replaces what one of them wants; answers from which position on it hears all of that. */
  want(stream: string, interests: readonly LiveInterest[]): Promise<number>
  close(): void
}

/** Waiting bytes at which a process counts as slow: batches are dropped whole until it reads. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

interface Stream {
  want(interests: readonly LiveInterest[]): Promise<number>
  end(): void
}

export function createLiveStreams({
  live,
  metrics,
}: {
  readonly live: LiveFeed
  readonly metrics: Metrics
}): LiveStreams {
  const streams = new Map<string, Stream>()
  metrics.gauge('padborg_internal_streams', () => streams.size)

  return {
    async open(response) {
      const id = randomId()
      const stream = openStream(live, metrics, response)
      streams.set(id, stream)
      const { promise: ended, resolve } = Promise.withResolvers<void>()
      response.once('close', () => {
        streams.delete(id)
        stream.end()
        resolve()
      })
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      const { journal, position } = live
      response.write(`${encodeJson({ stream: id, journal, position })}\n`)
      await ended
    },
    async want(id, interests) {
      const stream = streams.get(id)
      if (stream) return await stream.want(interests)
      throw new PlatformError('CLOSED', `the live stream ${id} has ended`)
    },
    close() {
      for (const stream of streams.values()) stream.end()
    },
  }
}

function openStream(live: LiveFeed, metrics: Metrics, response: ServerResponse): Stream {
  const joined = new Map<string, LiveSubscription>()
  let latest: LiveBatch | null = null
  let lost: { position: number; dropped: number } | null = null
  const timer = setInterval(beat, BEAT_MS).unref()
  response.on('drain', tellLoss)

  return {
    async want(interests) {
      const wanted = new Map(interests.map((one) => [JSON.stringify(one), one]))
      // What is wanted on is not joined anew: everything behind this position was heard anyway.
      const { position } = live
      const fresh = [...wanted].filter(([name]) => !joined.has(name)).map(join)
      for (const [name, subscription] of joined) {
        if (wanted.has(name)) continue
        joined.delete(name)
        subscription.close()
      }
      return Math.max(position, ...(await Promise.all(fresh)))
    },
    end() {
      clearInterval(timer)
      for (const subscription of joined.values()) subscription.close()
      joined.clear()
      response.end()
    },
  }

  function join([name, interest]: readonly [string, LiveInterest]): Promise<number> {
    // A listener of its own for each: the feed knows them by it.
    const subscription = live.join(interest, (batch) => receive(batch))
    joined.set(name, subscription)
    return subscription.from
  }

  /** Each interest brings the same batch once. */
  function receive(batch: LiveBatch): void {
    if (batch === latest || response.writableEnded) return
    latest = batch
    if (lost || response.writableLength > MAX_WAITING_BYTES) {
      const dropped = batch.events.length + batch.dropped
      metrics.count('padborg_live_dropped_total', dropped)
      lost = { position: batch.position, dropped: (lost?.dropped ?? 0) + dropped }
    } else response.write(`${encodeJson({ batch })}\n`)
  }

  /** A batch without events that were dropped: the other end reads them from the store. */
  function tellLoss(): void {
    if (!lost || response.writableEnded || response.writableLength > MAX_WAITING_BYTES) return
    const batch: LiveBatch = { ...lost, events: [] }
    lost = null
    response.write(`${encodeJson({ batch })}\n`)
  }

  function beat(): void {
    tellLoss()
    if (!lost && !response.writableEnded) response.write(`${encodeJson({ at: live.position })}\n`)
  }
}
