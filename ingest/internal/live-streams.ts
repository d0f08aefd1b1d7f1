import type { ServerResponse } from 'node:http'
import { encodeJson } from '#lib/runtime/encoding/bigint-json.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { BEAT_MS } from '#lib/runtime/network/internal-http.ts'
import { randomId } from '#lib/runtime/random.ts'
import type { LiveBatch, LiveFeed, LiveInterest, LiveSubscription } from '#lib/telemetry/live.ts'

interface LiveStreamDeps {
  readonly live: LiveFeed
  readonly metrics: Metrics
}

/** Live feeds of other processes, one stream of lines each. */
export class LiveStreams {
  readonly #deps: LiveStreamDeps
  readonly #streams = new Map<string, LiveStream>()

  constructor({ live, metrics }: LiveStreamDeps) {
    this.#deps = { live, metrics }
    metrics.gauge('padborg_internal_streams', () => this.#streams.size)
  }

  /** Resolves when the stream has ended. */
  async open(response: ServerResponse): Promise<void> {
    const id = randomId()
    const stream = new LiveStream(this.#deps, response)
    this.#streams.set(id, stream)
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    response.once('close', () => {
      this.#streams.delete(id)
      stream.end()
      resolve()
    })
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const { journal, position } = this.#deps.live
    response.write(`${encodeJson({ stream: id, journal, position })}\n`)
    await ended
  }

  /** Replaces what one of them wants; returns from which position on it hears all of that. */
  async want(id: string, interests: readonly LiveInterest[]): Promise<number> {
    const stream = this.#streams.get(id)
    if (stream) return await stream.want(interests)
    throw new PlatformError('CLOSED', `the live stream ${id} has ended`)
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.end()
  }
}

/** Waiting bytes at which a process counts as slow: batches are dropped whole until it reads. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

class LiveStream {
  readonly #deps: LiveStreamDeps
  readonly #response: ServerResponse
  readonly #joined = new Map<string, LiveSubscription>()
  readonly #beatTimer: NodeJS.Timeout
  #latest: LiveBatch | null = null
  #lost: { position: number; dropped: number } | null = null

  constructor(deps: LiveStreamDeps, response: ServerResponse) {
    this.#deps = deps
    this.#response = response
    this.#beatTimer = setInterval(() => this.#beat(), BEAT_MS).unref()
    response.on('drain', () => this.#sendLoss())
  }

  async want(interests: readonly LiveInterest[]): Promise<number> {
    const wanted = new Map(interests.map((one) => [JSON.stringify(one), one]))
    // An interest that stays is not joined again: everything after this position was heard anyway.
    const { position } = this.#deps.live
    const fresh = [...wanted].filter(([name]) => !this.#joined.has(name))
    const from = fresh.map(([name, interest]) => this.#join(name, interest))
    for (const [name, subscription] of this.#joined) {
      if (wanted.has(name)) continue
      this.#joined.delete(name)
      subscription.close()
    }
    return Math.max(position, ...(await Promise.all(from)))
  }

  end(): void {
    clearInterval(this.#beatTimer)
    for (const subscription of this.#joined.values()) subscription.close()
    this.#joined.clear()
    this.#response.end()
  }

  #join(name: string, interest: LiveInterest): Promise<number> {
    // A listener of its own for each: the feed knows them by it.
    const subscription = this.#deps.live.join(interest, (batch) => this.#receive(batch))
    this.#joined.set(name, subscription)
    return subscription.from
  }

  /** Each interest brings the same batch once. */
  #receive(batch: LiveBatch): void {
    if (batch === this.#latest || this.#response.writableEnded) return
    this.#latest = batch
    if (!this.#lost && !this.#isSlow) return this.#write({ batch })
    const dropped = batch.events.length + batch.dropped
    this.#deps.metrics.count('padborg_live_dropped_total', dropped)
    this.#lost = { position: batch.position, dropped: (this.#lost?.dropped ?? 0) + dropped }
  }

  /** A batch without the events that were dropped: the other end reads them from the store. */
  #sendLoss(): void {
    if (!this.#lost || this.#response.writableEnded || this.#isSlow) return
    const batch: LiveBatch = { ...this.#lost, events: [] }
    this.#lost = null
    this.#write({ batch })
  }

  #beat(): void {
    this.#sendLoss()
    if (this.#lost || this.#response.writableEnded) return
    this.#write({ at: this.#deps.live.position })
  }

  get #isSlow(): boolean {
    return this.#response.writableLength > MAX_WAITING_BYTES
  }

  #write(line: object): void {
    this.#response.write(`${encodeJson(line)}\n`)
  }
}
